//! Which files hold keys or passwords, by their names: the known ones and the user's own patterns, whatever the case, and copies of them.
//! It leaves secrets inside other files to `core::mask`.

use std::path::Path;
use std::sync::LazyLock;

use gix_ignore::glob::pattern::Case;

use super::patterns::Patterns;

/// Beginnings and endings of copies.
const COPIES: &str = include_str!("../../tables/copies.txt");
/// Most endings that are taken off one name.
const MAX_PEELED: usize = 4;

/// The known patterns.
static KNOWN: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::of(include_bytes!("../../tables/secrets.gitignore").as_slice()));

/// The user's own patterns, which come after the known ones.
pub(super) struct Secrets(Patterns);

impl Secrets {
    /// These patterns of the user, the later ones over the earlier.
    pub(super) fn new(patterns: &[String]) -> Secrets {
        Secrets(Patterns::of(patterns.join("\n").as_bytes()))
    }

    /// Whether a file holds secrets, by the name of itself or of one of its folders. An exception holds for copies, too.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let path = path.to_string_lossy().replace('\\', "/");
        let decoded = decoded(&path);
        [Some(path.as_str()), decoded.as_deref()].into_iter().flatten().any(|path| self.holds_named(path))
    }

    fn holds_named(&self, path: &str) -> bool {
        let (folders, name) = path.rsplit_once('/').map_or(("", path), |(folders, name)| (folders, name));
        let mut names = vec![name.to_owned()];
        while let Some(original) = names.last().and_then(|name| original(name)).filter(|_| names.len() < MAX_PEELED) {
            names.push(original);
        }
        // A swap file of Vim has a dot in front of its original's name, unless that begins with one.
        names.extend(
            names.last().filter(|_| names.len() > 1).and_then(|name| name.strip_prefix('.')).map(str::to_owned),
        );
        let verdicts: Vec<_> = names.iter().filter_map(|name| self.says(&join(folders, name), false)).collect();
        let is_secret = verdicts.contains(&true) && !verdicts.contains(&false);
        is_secret
            || Path::new(folders).ancestors().any(|folder| self.says(&folder.to_string_lossy(), true) == Some(true))
    }

    fn says(&self, path: &str, is_folder: bool) -> Option<bool> {
        let path = path.trim_start_matches('/');
        if path.is_empty() {
            return None;
        }
        let said = |patterns: &Patterns| patterns.said(path.as_bytes(), is_folder, Case::Fold);
        said(&self.0).or_else(|| said(&KNOWN))
    }
}

fn join(folders: &str, name: &str) -> String {
    if folders.is_empty() { name.to_owned() } else { format!("{folders}/{name}") }
}

/// The name of which a name is a copy: without one ending, a number, or the marks of an editor. `None` if it is no copy.
fn original(name: &str) -> Option<String> {
    // Windows ignores dots and blanks at the end, and streams behind a colon.
    let trimmed = name.split(':').next().unwrap_or(name).trim_end_matches(['.', ' ']);
    let marked = name.strip_prefix(".#").or_else(|| name.strip_prefix('#')?.strip_suffix('#'));
    // `secrets (1).json`, `secrets copy.json`
    let in_front = || {
        let (stem, extension) = name.rsplit_once('.')?;
        Some(format!("{}.{extension}", without_ending(stem).filter(|stem| !stem.is_empty())?))
    };
    let original = match trimmed.len() < name.len() {
        true => trimmed.to_owned(),
        false => {
            let kept = marked.or_else(|| without_beginning(name)).or_else(|| without_ending(name));
            kept.map(str::to_owned).or_else(in_front)?
        }
    };
    (!original.is_empty()).then_some(original)
}

/// The lines of the table.
fn copies() -> impl Iterator<Item = &'static str> {
    COPIES.lines().filter(|line| !line.starts_with("# ") && !line.is_empty())
}

/// A name without a beginning of copies.
fn without_beginning(name: &str) -> Option<&str> {
    let lower = name.to_ascii_lowercase();
    let mut beginnings = copies().filter_map(|line| line.strip_suffix('*'));
    beginnings.find(|beginning| lower.starts_with(beginning)).and_then(|beginning| name.get(beginning.len()..))
}

/// A name without an ending of copies, or without a number.
fn without_ending(name: &str) -> Option<&str> {
    let lower = name.to_ascii_lowercase();
    let kept = copies().filter_map(|ending| lower.strip_suffix(ending)).map(str::len).min();
    let number = || {
        name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_()".contains(c)).trim_end().trim_end_matches('.').len()
    };
    name.get(..kept.unwrap_or_else(number)).filter(|kept| kept.len() < name.len())
}

/// A path with its percent signs decoded; `None` if there are none. An editor may have encoded it twice.
fn decoded(path: &str) -> Option<String> {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.as_bytes().iter();
    let mut is_changed = false;
    while let Some(&byte) = bytes.next() {
        let rest = bytes.as_slice();
        let code = rest.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                bytes.nth(1);
                is_changed = true;
            }
            None => out.push(byte),
        }
    }
    is_changed.then(|| String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(own: &[&str]) -> Secrets {
        Secrets::new(&own.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn files_of_keys_and_passwords_are_known_whatever_their_case_folder_and_copy() {
        let secrets = secrets(&[]);
        for name in [
            ".env",
            ".env.local",
            ".env-prod",
            ".env_prod",
            "prod.env",
            ".envrc",
            "server.pem",
            "server.key",
            "AuthKey_ABC.p8",
            "x.kdbx",
            "id_rsa",
            "id_ed25519",
            "deploy_rsa",
            ".netrc",
            "_netrc",
            ".pgpass",
            ".my.cnf",
            ".npmrc",
            ".pypirc",
            ".htpasswd",
            ".git-credentials",
            ".dockercfg",
            ".docker/config.json",
            ".aws/credentials",
            ".kube/config",
            "kubeconfig",
            "prod.kubeconfig",
            "credentials",
            "credentials.json",
            "client_secret_1.json",
            "service-account-prod.json",
            "google-services.json",
            "GoogleService-Info.plist",
            "secrets.json",
            "secrets.yml",
            "secrets.toml",
            "secrets.properties",
            "db.secret",
            "terraform.tfvars",
            "terraform.tfvars.json",
            "terraform.tfstate",
            "wp-config.php",
            "rclone.conf",
            ".rclone.conf",
            ".config/rclone/rclone.conf",
            ".bash_history",
            ".zsh_history",
            ".python_history",
            ".psql_history",
            ".node_repl_history",
            "fish_history",
            "ConsoleHost_history.txt",
            ".vault-token",
            ".s3cfg",
            "sftp-config.json",
            ".cargo/credentials.toml",
            ".m2/settings.xml",
            ".gradle/gradle.properties",
            "application_default_credentials.json",
            "master.key",
            ".ssh/config",
            ".config/gh/hosts.yml",
            "local.settings.json",
            "wpa_supplicant.conf",
            "keystore.jks",
            "release.keystore",
            "key.properties",
            ".databrickscfg",
            "kaggle.json",
            "db_password.txt",
            "prod-passwords.txt",
            "api-keys.json",
            "ApiKeys.json",
            "apikey.txt",
            "api_key_prod.yml",
            ".vaultpass",
            ".vault_pass",
            "sasl_passwd",
            ".passwd-s3fs",
            "env.prod",
            "env.production",
            "env.local",
            ".envs/.production/.django",
            "secrets.prod.json",
            "secrets.staging.yaml",
            "prod.auto.tfvars",
            "prod.auto.tfvars.json",
            "secret-db.yaml",
            "aws.pkrvars.hcl",
            "auth.json",
            "oauth_creds.json",
            "token.txt",
            "tokens.json",
            "api_keys.json",
            ".gitlab_token",
            ".npmrc.local",
            ".sentryclirc",
            ".wakatime.cfg",
            ".clasprc.json",
            ".config/glab-cli/config.yml",
            ".bundle/config",
            ".config/pip/pip.conf",
            "pip.ini",
            "nuget.config",
            "rootkey.csv",
            "accessKeys.csv",
            "me_accessKeys.csv",
            "new_user_credentials.csv",
            "key.asc",
            "private-me.asc",
            "export.1pux",
            "wg-home.conf",
            "Home.nmconnection",
            ".irb-history",
            ".irb_history",
            "zsh_history",
            "mongosh_repl_history",
            "Visual Studio Code Host_history.txt",
            ".bash_sessions/A.history",
            ".zsh_sessions/A.history",
            ".Rhistory",
            ".pythonhistory",
            "cqlsh_history",
            ".hivehistory",
            ".octave_hist",
            ".mycli-history",
            ".litecli-history",
            ".config/nushell/history.txt",
            ".config/nushell/history.sqlite3",
            ".ipython/profile_default/history.sqlite",
            ".Renviron",
            "app/etc/env.php",
            "env.json",
            "env.yml",
            ".env.example.local",
            "config/database.yml",
            "parameters.yml",
            "appsettings.Production.json",
            "wp-config.local.php",
            "tomcat-users.xml",
            "clouds.yaml",
            "admin-openrc.sh",
            ".pg_service.conf",
            ".odbc.ini",
            ".vnc/passwd",
            "htpasswd",
            ".htpasswd_admin",
            ".subversion/auth/svn.simple/abc",
            ".hgrc",
            ".mutt/muttrc",
            ".Xauthority",
            ".erlang.cookie",
            ".config/github-copilot/hosts.json",
            ".config/github-copilot/apps.json",
            "ngrok.yml",
            ".config/pypoetry/auth.toml",
            ".config/stripe/config.toml",
            "talosconfig",
            ".snowflake/connections.toml",
            "secrets-prod.yaml",
            "secrets_prod.json",
            "secret.local.yaml",
            "creds.json",
            "creds.yml",
            "creds.txt",
            "credential.json",
            "token.json",
            "api_key.txt",
            "api_keys.txt",
            "tokens.txt",
            ".vault-pass",
            ".vault_password",
            ".ansible_vault_pass",
            "secrets/db_password",
            "run/secrets/db",
            "POSTGRES_PASSWORD",
            "password",
            "secrets",
            "dev/shm/pass.AbC/x.txt",
            "dev/shm/gopass-edit12/secret",
            "tmp/kubectl-edit-123.yaml",
            "tmp/psql.edit.7.sql",
        ] {
            let (upper, windows) = (name.to_ascii_uppercase(), name.replace('/', "\\"));
            for path in [
                name.to_owned(),
                upper,
                format!("/home/me/project/sub/{name}"),
                format!("C:\\project\\{windows}"),
                format!("a/{name}.bak"),
                format!("a/{name}~"),
                format!("{name}.old~"),
                format!("{name}.2026-11-28"),
                format!("{name}.orig"),
                format!("{name}.swp"),
                format!("{name}."),
                format!("{name}::$DATA"),
                name.replace('.', "%2E"),
            ] {
                // An option of a shell's history or a folder keeps no copies of its own.
                assert!(secrets.holds(Path::new(&path)), "{path}");
            }
        }
        for path in [
            ".#.env",
            "#.env#",
            "a/#id_rsa#",
            ".secrets.json.swp",
            ".Secrets.json.SWP",
            "secrets (1).json.bak",
            ".env (copy)",
            ".env (copy 2)",
            ".env (another copy)",
            "secrets (copy).json",
            "secrets (3rd copy).json",
            ".git-credentials (copy)",
            "Copy of secrets.json",
            "copy of Copy of .env",
            "Kopie von secrets.json",
            ".env - Kopie",
            "secrets - Kopie.json",
            "~$secrets.json",
            "secrets.json.txt",
            "wp-config.php.txt",
            "server.pem.txt",
            "secrets_BASE_123.json",
            "secrets_LOCAL_123.json",
            "secrets_REMOTE_123.json",
            "secrets_BACKUP_123.json",
        ] {
            assert!(secrets.holds(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn ordinary_files_and_templates_are_none() {
        let secrets = secrets(&[]);
        for path in [
            "src/main.rs",
            "src/env.rs",
            "environment.ts",
            ".env.example",
            ".env.sample",
            ".env.template",
            ".env.example~",
            "prod.env.example",
            "id_rsa.pub",
            "src/credentials/mod.rs",
            "src/credentials.rs",
            "Secrets.cs",
            "secrets.py",
            "src/secret.go",
            "wp-config-sample.php",
            "config.toml",
            "package.json",
            "keyboard.ts",
            "history.js",
            "order_history.py",
            "hub/index.ts",
            "src/keystore/mod.rs",
            "monkey.rs",
            "token.rs",
            "Dockerfile",
            "docs/keys.md",
            "private_key.rs",
            "appsettings.json",
            "tests/passwords.rs",
            "src/token.rs",
            "src/auth.ts",
            "env.ts",
            "tokens.css",
            "secret-service.ts",
            "secrets.example.json",
            "secrets.template.yaml",
            "terraform.tfvars.example",
            "public.asc",
            "src/password.txt.rs",
            "src/password/mod.rs",
            "src/secrets/store.go",
            "secrets/README",
            "src/htpasswd/parse.go",
            "docs/identity.txt",
            "requirements.txt",
            "settings_local.py",
            "key.json",
            "configuration.php",
            "web.config",
            "history.txt",
            "secrets-example.yaml",
            "parameters.yml.dist",
            "Copy of notes.md",
            "a.swp",
            "~",
            "#",
            ".#",
            "%",
            "%zz",
            "",
        ] {
            assert!(!secrets.holds(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_users_own_patterns_come_last() {
        let secrets = secrets(&["!public.pem", "*.vault", "!.env.test"]);
        for (path, is_secret) in [
            ("public.pem", false),
            ("public.pem.bak", false),
            ("server.pem", true),
            ("a.VAULT", true),
            ("a.vault.bak", true),
            (".env.test", false),
            (".env", true),
            (".ssh/public.pem", true),
        ] {
            assert_eq!(secrets.holds(Path::new(path)), is_secret, "{path}");
        }
    }
}
