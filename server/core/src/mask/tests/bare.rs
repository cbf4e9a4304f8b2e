//! Cases of values without quotes: where they end, and words in comments, in texts and in the pages of a documentation.

use super::check;

#[test]
fn a_value_without_quotes_ends_with_its_word_or_what_is_around_it() {
    for (path, marked) in [
        ("a.sh", "docker run -e DB_PASSWORD=⟦hunter-prod⟧ -e NAME=shop img"),
        ("a.sh", "curl -H \"PRIVATE-TOKEN: ⟦hunter2-prod⟧\" \"https://git.example.com/api\""),
        ("a.sh", "openssl req -passout pass:⟦hunter2-prod⟧ -key a.key"),
        ("a.sh", "kubectl create secret generic db --from-literal=password=⟦hunter-prod⟧ --dry-run"),
        ("a.yml", "env: {DB_PASSWORD: ⟦hunter-prod⟧, NAME: shop}"),
        ("a.yml", "options: -e POSTGRES_PASSWORD=⟦hunter-prod⟧ --health-cmd pg_isready"),
        ("a.yml", "mysql_user: name=shop password=⟦hunter-prod⟧ state=present"),
        ("a.service", "Environment=\"DB_PASSWORD=⟦hunter-prod⟧\" \"PORT=80\""),
        ("Makefile", "DB_PASSWORD ?= ⟦hunter-prod⟧\nTOKEN := $(GITHUB_TOKEN)\nrun:\n\tDB_PASS=⟦hunter-prod⟧ ./server"),
        ("Dockerfile.dev", "ENV DB_PASSWORD=⟦hunter-prod⟧"),
        ("config.yml.j2", "password: ⟦hunter-prod⟧"),
        ("my.cnf", "user=root\npassword=⟦hunter-prod⟧"),
        ("a.conf", "proxy_set_header X-Api-Key ⟦hunter2-prod⟧;\nset $api_key \"⟦hunter2-prod⟧\";"),
    ] {
        check(path, marked);
    }
}

#[test]
fn a_word_in_a_comment_or_a_text_is_masked_if_it_looks_like_a_password() {
    for (path, marked) in [
        ("a.py", "# TODO remove: password = ⟦hunter2-prod⟧"),
        ("a.py", "\"\"\"Log in as admin, password: ⟦hunter2-prod⟧\"\"\""),
        ("a.py", "conn = connect(\"dbname=shop user=shop password=⟦hunter-prod⟧ host=h\")"),
        ("a.py", "log(\"using token=⟦8f14e45fceea167a5a36dedd4bea2543⟧ for now\")"),
        ("a.php", "putenv(\"DB_PASSWORD=⟦hunter-prod⟧\");"),
        ("a.md", "**Password:** ⟦hunter2-prod⟧"),
        ("a.md", "Log in as `admin` with the password `⟦hunter2-prod⟧`."),
        ("a.py", "# The password for the staging database is ⟦hunter2-prod⟧, ask Ann."),
        ("a.ts", "// the old password was ⟦Tr0ub4dor&3⟧"),
        ("a.md", "Log in with the password ⟦hunter2⟧ and go on."),
        ("a.md", "das Passwort lautet: ⟦hunter2⟧."),
        ("said.md", "Set the password to '⟦hunter2⟧' in the test."),
        ("said.md", "The token is ⟦8f14e45fceea167a5a36dedd4bea2543⟧."),
        ("a.rs", "// The token is ⟦8f14e45fceea167a5a36dedd4bea2543⟧, until Monday."),
        ("said.md", "API key for Stripe is ⟦aB3xK9mQ2pL7⟧"),
        ("a.go", "// API key: ⟦aB3xK9mQ2pL7vN⟧"),
        ("said.md", "passphrase ⟦hunter2-prod⟧"),
        ("said.md", "credentials: ⟦bob:hunter2-prod⟧"),
        ("said.md", "credentials: bob:⟦hunter2x⟧"),
        ("a.py", "# creds bob:⟦hunter2-prod⟧"),
        ("said.md", "Use ⟦hunter2-prod⟧ as the password."),
        ("a.py", "# use ⟦hunter2-prod⟧ as the staging password for now"),
        ("said.md", "⟦hunter2-prod⟧ is the password of bob"),
        ("said.md", "nimm ⟦hunter2-prod⟧ als Passwort, prends ⟦hunter2-prod⟧ comme mot de passe"),
        ("said.md", "usa ⟦hunter2-prod⟧ como contraseña"),
        ("said.md", "The password (⟦hunter2-prod⟧) is old."),
        ("a.js", "// the password (⟦hunter2-prod⟧) is old"),
        ("said.md", "log in with pw=⟦hunter2-prod⟧ and go on"),
        ("said.md", "login bob / ⟦hunter2-prod⟧"),
        ("a.ts", "// login: bob / ⟦hunter2-prod⟧"),
        (
            "said.md",
            "See `verify_signature()`](certificate/struct.X509.html#verify1), /redact-secret/blob/28168/pass1, a.com/ExpandPass.cpp#L811",
        ),
        ("said.md", "`secrets (1).json`, and the secret alphabet is `[A-Za-z0-9]` only."),
        ("said.md", "The token is invalid. The key is missing. The passphrase is required, and credentials are wrong."),
        (
            "said.md",
            "Use SHA256 as the password hash, base64url as the key format, Ed25519 as the key, v1.2.3 as the token.",
        ),
        (
            "said.md",
            "The private key is RSA-2048, the session is 2024-01-01T00:00:00Z, the key is x86_64-unknown-linux-gnu1234.",
        ),
        ("a.rs", "// login state / sha256 of user / path, the token is a u128 and the key (u64) is id_123_456_789"),
        ("a.md", "The password is base64-encoded, at least 8 characters, and hashed with PBKDF2-HMAC-SHA256."),
        ("a.py", "# The password is required. v2.1.0 was the first release; hunter2 is a joke."),
        ("a.py", "# secret names are read from key1-prod"),
        ("a.sh", "cat > ~/.netrc <<E\nmachine h\n  login ci\n  password ⟦hunter-prod⟧\nE"),
        ("a.py", "# password: str, secret: bytes32, passwd: sha256, passphrase: see a.b1.c"),
        ("a.py", "# https://user@pass:example1.com/ arn:aws:secretsmanager:x:1:secret:name-1a2b3c"),
        ("a.py", "f(\"Key=InstanceIds,Values=i-1234\", f\"host={h} password={p}\", \"password=%s\" % p)"),
        ("a.md", "The `password` field takes a string; set `DB_PASSWORD` to yours. Passwords: hashed."),
        ("a.c", "printf(\"Usage: %s --user=NAME --password=PASSWORD\\n\", argv[0]);"),
        ("a.js", "x.replace(/\"/g, ''); password = \"⟦hunter2-prod⟧\""),
        ("a.js", "url = base + \"?password=\" + encode(pw) + \"&mode=fast\"; throw Error(\"pass api_key=...\");"),
    ] {
        check(path, marked);
    }
}

#[test]
fn a_word_of_a_sentence_that_says_where_or_which_is_no_password() {
    for sentence in [
        "auth: see https://example.com/docs/oauth2-flow",
        "the login is at //example.com/docs/oauth2-flow?step=1#part-2",
        "login at http://localhost:8080/v1-beta",
        "login at localhost:8080/v1-beta",
        "credentials: file:config/aws-prod1.json",
        "credentials: config/aws-prod1.json, ~/aws-prod1/keys, @scope/name-1",
        "the password is in config/aws-prod1",
        "auth image:nginx-1.25",
        "auth nginx:1.25-alpine, ghcr.io/org/nginx:v1-beta",
        "login with client:>=2.0.0-rc1",
        "the password is v2.0.0-rc1",
        "login at 10:30-11:00",
        "login Mon:10:30am-11:00pm",
        "auth timeout:30s-1min",
        "auth limit:5MB-10MB",
        "login via git@github.com:org/repo-1.git",
        "login via git@github.com:repo-1.git",
        "credentials: git@github.com:org/repo-1.git",
        "login C:\\Users\\bob-1",
        "credentials: C:\\Users\\bob-1",
        "credentials: \\\\host\\bob-1",
        "login from fe80::1ff:fe23%eth0-1",
        "credentials: fe80::1ff:fe23%eth0-1",
        "credentials: bob1@my-site.example",
        "login via mailto:bob1@my-site.example",
        "login deploy@host1:backup-2024.tar.gz",
        "creds host:db1-prod.example.com",
        "creds chown -R www-data:www-data1",
        "login auth.rs:L120-L130",
        "auth type:oauth2-pkce",
        "auth passport:oauth2-code",
        "token sha256:b94d27b9934d3e08a52e52d7da7dabfa-1",
    ] {
        for path in ["a.rs", "a.py", "a.md"] {
            check(path, &format!("// # {sentence}\n"));
        }
        check("said.md", sentence);
    }
}

#[test]
fn a_password_behind_a_user_is_masked_beside_addresses() {
    for sentence in [
        "login at http://localhost:8080 as bob:⟦hunter2-prod⟧",
        "login 10:30 bob / ⟦hunter2-prod⟧",
        "creds admin:⟦admin1⟧",
        "login www-data:⟦hunter2-prod⟧",
        "login bob@example.com:⟦hunter2-prod⟧",
        "login bob:⟦hunter2⟧@db1.example.com",
        "login bob:⟦P@ssw0rd⟧",
        "login bob:⟦Summer-2024⟧",
        "login bob:⟦p4ss/w-rd%1⟧",
        "auth bob:⟦v-hunter-22⟧",
        "credentials: ⟦bob:p4ss-w0rd!⟧",
        "credentials: ⟦bob:hunter2@db1-prod.example.com⟧",
        "password: ⟦P@ssw0rd.1⟧",
        "password=⟦correct/horse/battery⟧",
        "token: ⟦1//0gHk3vN9qLx-Tz2wPbRmYc8sAeJ4uD⟧",
    ] {
        check("said.md", sentence);
        check("a.rs", &format!("// {sentence}"));
    }
    check("a.rs", "// password=⟦hunter.prod⟧");
    check("a.js", "btoa(\"12345:⟦hunter2-prod⟧\")");
}
