//! Every case is a text in which `⟦…⟧` encloses what must be masked, and nothing else may be. No value here is, or ever was, a key.

use proptest::prelude::*;
use ropey::Rope;

use super::*;

mod bare;
mod forms;
mod given;
mod known;
mod prompts;
mod rows;

/// The text of a case, and the text with its secrets masked.
fn case(marked: &str) -> (String, String) {
    let (mut text, mut masked, mut is_inside) = (String::new(), String::new(), false);
    for c in marked.chars() {
        match c {
            '⟦' => is_inside = true,
            '⟧' => is_inside = false,
            c => {
                text.push(c);
                masked.push(if is_inside && !c.is_whitespace() { MARK } else { c });
            }
        }
    }
    (text, masked)
}

fn check(path: &str, marked: &str) {
    let (text, expected) = case(marked);
    let found = spans(&text, path).unwrap();
    assert_eq!(Masks::default().apply(&text, &found), expected, "{path}: {marked}");
}

/// 40 and 24 characters as keys have them.
const LONG: &str = "Ab3dEf6hIj9kLmN0pQrStUvWxYz1234567890xYz";
const SHORT: &str = "aB3xK9mQ2pL7vN4tR8wZ1cY6";

#[test]
fn what_a_secret_name_is_given_is_masked_in_every_language() {
    for marked in [
        "PASSWORD = \"⟦hunter2-prod⟧\"",
        "const password = '⟦Tr0ub4dor&3⟧';",
        "const PASSWORD: &str = \"⟦hunter2⟧\";",
        "const char *kPassword = \"⟦hunter2⟧\";",
        "static char password[16] = \"⟦hunter2⟧\";",
        "private static final String DB_PASSWORD = \"⟦hunter2⟧\";",
        "#define DB_PASSWORD \"⟦hunter2⟧\"",
        "password := \"⟦hunter2⟧\"",
        "$password = '⟦hunter2⟧';",
        "'password' => '⟦hunter2⟧',",
        "define('DB_PASSWORD', '⟦hunter2⟧');",
        "let password: string | null = '⟦hunter2⟧';",
        "val password: String = \"⟦hunter2⟧\"",
        "var password = `⟦hunter2⟧`;",
        "let apiKey: String? = \"⟦abcd-efgh⟧\"",
        "password: \"⟦hunter2⟧\".to_string(),",
        "let token = String::from(\"⟦8f14e45fceea167a5a36dedd4bea2543⟧\");",
        "let secret = SecretString::new(\"⟦hunter2⟧\".into());",
        ".password = \"⟦hunter2⟧\",",
        "local passwd = [[⟦hunter2⟧]] .. '⟦more⟧'",
        "  password \"⟦hunter2⟧\"",
        "connect(host=\"h\", user=\"u\", password=\"⟦hunter2⟧\")",
        "connect(\"h\", password: \"⟦hunter2⟧\")",
        "def login(self, user=\"me\", password=\"⟦hunter2⟧\"):",
        "builder.setPassword(\"⟦hunter2⟧\").build()",
        "config[\"password\"] = \"⟦hunter2⟧\"",
        "os.environ['DB_PASSWORD'] = '⟦hunter2⟧'",
        "os.getenv(\"DB_PASSWORD\", \"⟦hunter2⟧\")",
        "if password == \"⟦hunter2⟧\":",
        "if \"⟦hunter2⟧\" == password {",
        "if (\"⟦hunter2⟧\".equals(password)) {",
        "requests.get(url, auth=(\"admin\", \"⟦hunter2⟧\"))",
        "HTTPBasicAuth('admin', '⟦hunter2⟧')",
        "password = \"⟦hun⟧\" + \"⟦ter2⟧\"",
        "PASSWORD = (\n    \"⟦hunter2⟧\"\n    \"⟦more⟧\"\n)",
        "password = \"\"\"\n⟦hunter2⟧\n\"\"\"",
        "passwords = [\"⟦hunter2⟧\", \"⟦letmein⟧\"]",
        "password = r#\"⟦hunter2⟧\"#",
        "app.secret_key = b'⟦_5#y2L⟧'",
        "password = \"⟦pässwört⟧\" # ü",
        "password = \"⟦hun",
    ] {
        check("a.rs", marked);
        check("a.rs", &marked.replace('\n', "\r\n"));
        check("a.rs", &format!("{}\n{marked}", "let x = f(1);\n".repeat(40)));
    }
}

#[test]
fn what_an_expression_gives_to_a_secret_name_is_masked() {
    for marked in [
        "password = \"⟦$ecretPa55⟧\"",
        "password = \"⟦$uperman⟧\"",
        "password = \"⟦Correct horse battery staple⟧\"",
        "password = \"⟦111111⟧\"",
        "var password string = \"⟦hunter2prod⟧\"",
        "password := []byte(\"⟦hunter2prod⟧\")",
        "password = strings.TrimSpace(\"⟦hunter2prod⟧\")",
        "const password = process.env.PW || \"⟦hunter2prod⟧\";",
        "const password = config.pw_of_db ?? \"⟦hunter2prod⟧\";",
        "const password = isProd ? get(\"a\") : \"⟦hunter2prod⟧\";",
        "const password = isProd ? \"⟦hunter2prod⟧\" : get(\"a\");",
        "const x = process.env.DB_PASSWORD || \"⟦hunter2prod⟧\";",
        "const password = atob(\"⟦hunter2prod⟧\");",
        "password = /* prod */ \"⟦hunter2prod⟧\"",
        "password = options.x or \"⟦hunter2prod⟧\"",
        "password = load(\"x\") if is_prod else \"⟦hunter2prod⟧\"",
        "password = \"⟦hunter2prod⟧\" if mode == \"test\" else load(\"x\")",
        "user, password = \"admin\", \"⟦hunter2prod⟧\"",
        "password, user = \"⟦hunter2prod⟧\", \"admin\"",
        "let (user, password) = (\"admin\", \"⟦hunter2prod⟧\");",
        "password: str = Field(default=\"⟦hunter2prod⟧\")",
        "password = Field(\"a title\", default=\"⟦hunter2prod⟧\")",
        "password = base64.b64decode(\"⟦hunter2prod⟧\")",
        "setattr(x, \"password\", \"⟦hunter2prod⟧\")",
        "def login(self, password=\"⟦hunter2prod⟧\"):",
        "connect(\n    user, password=\"⟦hunter2prod⟧\", mode=\"fast\")",
        "connect(\n    user, password = \"⟦hunter2prod⟧\", mode = \"fast\")",
        "let password = env::var(\"DB\").unwrap_or(\"⟦hunter2prod⟧\".into());",
        "let password = env::var(\"DB_PASSWORD\").unwrap_or_else(|_| \"⟦hunter2prod⟧\".into());",
        "let password = Cow::Borrowed(\"⟦hunter2prod⟧\");",
        "String password = Optional.ofNullable(x).orElse(\"⟦hunter2prod⟧\");",
        "public String getPassword() { return \"⟦hunter2prod⟧\"; }",
        "def get_password(self):\n    return \"⟦hunter2prod⟧\"",
        "fn password() -> &'static str {\n    \"⟦hunter2prod⟧\"\n}",
        "public string Password { get; set; } = \"⟦hunter2prod⟧\";",
        "strcpy(password, \"⟦hunter2prod⟧\");",
        "if (strcmp(password, \"⟦hunter2prod⟧\") == 0) {",
        "password = ENV.fetch(\"PW\") { \"⟦hunter2prod⟧\" }",
        "x = ENV.fetch(\"PW\") { \"⟦hunter2prod⟧\" }",
        "local x = password or \"⟦hunter2prod⟧\"",
        "passwords = {\"admin\": \"⟦hunter2prod⟧\", \"guest\": \"⟦letmein⟧\"}",
        "passwords = {\n    \"admin\": \"⟦hunter2prod⟧\", # first\n    \"guest\": \"⟦letmein⟧\",\n}",
        "PASSWORDS = (\"⟦hunter2prod⟧\", \"⟦letmein⟧\")",
        "passwords := []string{\"⟦hunter2prod⟧\", \"⟦letmein⟧\"}",
        "passwords = Arrays.asList(\"⟦hunter2prod⟧\", \"⟦letmein⟧\");",
        "password = { \"value\": \"⟦hunter2prod⟧\" }",
        "variable \"db_password\" {\n  default = \"⟦hunter2prod⟧\"\n}",
        "os.getenv(\"PGPASS\", default=\"⟦hunter2prod⟧\")",
        "parser.add_argument(\"--password\", default=\"⟦hunter2prod⟧\")",
        "parser.add_argument(\"--password\", \"-p\", help=\"The password of the database\", default=\"⟦hunter2prod⟧\")",
        "run([\"mysql\", \"--password\", \"⟦hunter2prod⟧\", \"-h\", \"db\"])",
        "run([\"mysql\", \"--password=⟦hunter2prod⟧\"])",
        "curl_setopt($ch, CURLOPT_PASSWORD, \"⟦hunter2prod⟧\");",
        "curl_easy_setopt(curl, CURLOPT_PASSWORD, \"⟦hunter2prod⟧\");",
        "req.basic_auth \"admin\", \"⟦hunter2prod⟧\"",
        "SECRET_KEY_BASE = \"⟦hunter2prod⟧\"",
        "DB_PASSWORD_MAIN = \"⟦hunter2prod⟧\"",
        "PASSWORD_FOR_DB = \"⟦hunter2prod⟧\"",
        "senha = \"⟦hunter2prod⟧\"",
        "contraseña = \"⟦hunter2prod⟧\"",
        "mot_de_passe = \"⟦hunter2prod⟧\"",
        "dbPasswort = \"⟦hunter2prod⟧\"",
        "hasło = \"⟦hunter2prod⟧\"",
        "haslo = \"⟦hunter2prod⟧\"",
        "key = \"⟦aB3xK9mQ⟧\"",
    ] {
        check("a.rs", marked);
    }
}

#[test]
fn what_files_of_settings_and_shells_give_is_masked() {
    for (path, marked) in [
        ("a.yaml", "db:\n  password: ⟦hunter2⟧ # of the test\n  user: me"),
        ("a.yml", "password: |\n  ⟦hunter2⟧\n  ⟦more⟧\nuser: me"),
        ("a.yml", "env:\n  - name: X\n    db_password: '⟦hunter2⟧'"),
        ("a.json", "{\"user\": \"me\", \"password\": \"⟦hunter2⟧\", \"port\": 1}"),
        ("a.toml", "password = '⟦hunter2⟧'\nport = 1"),
        ("a.ini", "[db]\nDB_PASS = ⟦letmein⟧"),
        ("a.properties", "spring.datasource.password=⟦hunter2⟧"),
        ("a.sh", "export DB_PASSWORD=⟦hunter2⟧\nmysql --password ⟦hunter2⟧ -u root"),
        ("a.sh", "curl -u admin:⟦hunter2pass⟧ https://h/"),
        ("a.bat", "set PGPASSWORD=⟦hunter2⟧"),
        ("Dockerfile", "ENV SECRET_TOKEN ⟦hunter2-prod⟧\nENV PGPASSWORD=⟦hunter2⟧"),
        ("a.tf", "  password = \"⟦hunter2⟧\"\n  count = 2"),
        ("a.xml", "<db><password>⟦hunter2⟧</password><port>1</port></db>"),
        ("a.xml", "<db:password>⟦hunter2⟧</db:password>"),
        ("a.xml", "<add key=\"Password\" value=\"⟦hunter2⟧\" />"),
        ("a.yml", "password: ⟦$tr0ngPass!⟧"),
        ("a.yml", "passwords:\n  - ⟦hunter2prod⟧\n  - ⟦letmein⟧\nuser: me"),
        ("a.yml", "passwords:\n- ⟦hunter2prod⟧\nuser: me"),
        ("a.yml", "passwords:\n  admin: ⟦hunter2prod⟧\n  guest: '⟦letmein⟧' # old\nuser: me"),
        ("a.yml", "password:\n  ⟦hunter2prod⟧\nuser: me"),
        ("a.yml", "password: !vault ⟦hunter2prod⟧"),
        ("a.yml", "password: !vault |\n  ⟦$ANSIBLE_VAULT;1.1;AES256⟧\n  ⟦6162⟧\nuser: me"),
        ("a.yml", "kind: Secret\ndata:\n  user: ⟦YWRtaW4⟧\n  x.txt: |\n    ⟦hunter2prod⟧\nmetadata: m"),
        ("a.yml", "stringData:\n  one: ⟦hunter2prod⟧\nkind: Secret\n---\ndata:\n  one: two"),
        ("a.yml", "password: ${DB_PASSWORD:⟦-hunter2prod⟧}"),
        ("a.toml", "[db.password]\nvalue = \"⟦hunter2prod⟧\"\nuser = \"me\""),
        ("a.sh", "DB_PASSWORD=${1:-⟦hunter2prod⟧}\npassword=\"${1:-⟦hunter2prod⟧}\""),
        ("a.sh", "sshpass -p ⟦hunter2prod⟧ ssh h"),
        ("a.sh", "sshpass -p '⟦hunter2prod⟧' ssh h"),
        ("a.sh", "docker login -u me -p ⟦hunter2prod⟧ registry"),
        ("a.sh", "mysql -u root -p@ db"),
        ("a.py", "run([\"sshpass\", \"-p\", \"⟦hunter2prod⟧\", \"ssh\"])"),
        ("k.ppk", "Private-Lines: 1\n⟦AAAAgQDhunter2prod⟧\n"),
        ("a.md", "Set `PASSWORD=⟦hunter2⟧` first."),
        (".npmrc", "//registry.npmjs.org/:_authToken=⟦npm_Ab3dEf6hIj9kLmN0pQrStUvWxYz123456789⟧"),
    ] {
        check(path, marked);
    }
}

proptest! {
    #[test]
    fn whatever_the_text_masking_ends_keeps_its_size_and_finds_nothing_new(text in "(password|token|[\"'`=:,<>(){}\\[\\]\\\\|\n \t*üa-zA-Z0-9_-]|-----BEGIN PRIVATE KEY-----|-----END){0,60}") {
        let found = spans(&text, "a.yaml").unwrap();
        let masked = Masks::default().apply(&text, &found);
        prop_assert_eq!(masked.chars().count(), text.chars().count());
        prop_assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }
}
