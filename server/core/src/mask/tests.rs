//! Every case is a text in which `⟦…⟧` encloses what must be masked, and nothing else may be. No value here is, or ever was, a key.

use proptest::prelude::*;
use ropey::Rope;

use super::*;

mod given;

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
fn a_key_is_known_by_its_shape_without_a_name() {
    for key in [
        "AKIAZ7Q3LMKP4RTX2WVB",
        "sk-proj-Ab3dEf6hIj9kLmN0pQrStUvWxYz1234567890abcdEFGH",
        "sk-Ab3dEf6hIj9kLmN0pQrStUvWxYz1234567890abcdEFGH12",
        "sk-ant-api03-Ab3dEf6hIj9kLmN0pQrStUvWxYz1234567890abcdEFGHAb3dEf6hIj9kLmN0pQrStUvWxYz1234567890abcdEFGH-AbAA",
        "sk-test-1234567890abcdef",
        "ghp_Ab3dEf6hIj9kLmN0pQrStUvWxYz123456789",
        "ghp_0123456789abcdef",
        "github_pat_11ABCDEFG0abcdefghijkl_Ab3dEf6hIj9kLmN0pQrStUvWxYz1234567890abcdEFGHAb3dEf6hIj9",
        "glpat-Ab3dEf6hIj9kLmN0pQrS",
        "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
        "xapp-1-A111-222-abcdef",
        "sk_live_51H8abcdEFGHijklMNOPqrstuv",
        "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
        "npm_Ab3dEf6hIj9kLmN0pQrStUvWxYz123456789",
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
        "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",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        LONG,
        SHORT,
    ] {
        for (before, after) in
            [("let k = \"", "\";"), ("send('", "')"), ("# ", ""), ("[", ", 1]"), ("https://h/x?q=", "&r=1")]
        {
            let (text, expected) = case(&format!("{before}⟦{key}⟧{after}"));
            let masked = Masks::default().apply(&text, &spans(&text, "a.rs").unwrap());
            // What stands around a key in an address may be masked with it.
            let is_gone = !masked.contains(key) && masked.len() == expected.len();
            assert!(is_gone && (before.contains('=') || masked == expected), "{before}{key}{after}: {masked}");
        }
    }
}

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

#[test]
fn passwords_in_addresses_and_headers_are_masked() {
    for marked in [
        "\"postgres://u:⟦p⟧@h/db\"",
        "\"postgres://admin:⟦hunter2⟧@db.example.com:5432/app\"",
        "redis://:⟦s3cr3tpw⟧@cache:6379/0",
        "mongodb+srv://app:⟦S3cr3t%21⟧@cluster0.abcde.mongodb.net/?retryWrites=true",
        "\"jdbc:mysql://h/db?user=root&password=⟦hunter2⟧\"",
        "\"Server=db;User Id=sa;Password=⟦Str0ngP4ss!⟧;\"",
        "fetch(\"https://admin:⟦hunter2pass⟧@host.example.com/api\")",
        "\"https://hooks.slack.com/services/⟦T01ABCDEF/B02ABCDEF/abcdefghijklmnopqrstuvwx⟧\"",
        "\"Server=h;Uid=u;Pwd=⟦hunter2prod⟧;\"",
        "\"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=⟦aGVsbG8rd29ybGQ/dGVzdA1122==⟧;EndpointSuffix=core\"",
        "\"Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=⟦aGVsbG8rd29ybGQ/dGVzdA1122=⟧\"",
        "\"https://a.blob.core.windows.net/c?sv=2020&sig=⟦aGVsbG8rd29ybGQ123%3D⟧\"",
        "\"//u:⟦hunter2prod⟧@h/\"",
        "\"smtp://u%40x:⟦hunter2prod⟧@h:587\"",
        "\"https://u:⟦hunter2@prod⟧@h/a\"",
        "\"jdbc:oracle:thin:scott/⟦hunter2prod⟧@h:1521:x\"",
        "\"https://⟦aB3xK9mQ2pL7vN4tR8⟧@github.com/o/r.git\"",
        "\"https://discord.com/api/v10/webhooks/⟦123/abc-DEF⟧\"",
        "\"https://outlook.office.com/webhook/⟦abc@def/IncomingWebhook/1⟧\"",
        "\"https://api.telegram.org/file/bot⟦123:abc/x⟧\"",
        "Authorization: Bearer ⟦abcdef0123456789abcdef0123456789⟧",
        "{\"Authorization\": \"Bearer ⟦abcdef0123456789abcdef0123456789⟧\"}",
        "Authorization: Basic ⟦YWRtaW46aHVudGVyMnBhc3M=⟧",
        "-H 'X-Api-Key: ⟦8f14e45fceea167a5a36dedd4bea2543⟧'",
    ] {
        check("a.rs", marked);
    }
}

#[test]
fn keys_are_known_behind_an_escape_and_by_their_beginning() {
    for marked in [
        "x = \"line\\n⟦AKIAZ7Q3LMKP4RTX2WVB⟧\"",
        "x = \"line\\t⟦sk-proj-abcdefgh1234⟧\"",
        "x = \"a\\n⟦hf_AbCdEfGhIj1234⟧\"",
        "x = \"q=a%20⟦hf_AbCdEfGhIj1234⟧\"",
        "x = \"\\x0a⟦ghp_0123456789abcdef⟧\"",
        "x = \"⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧\"",
        "x = \"⟦SK0123456789abcdef0123456789abcdef⟧\"",
        "x = \"⟦key-0123456789abcdef0123456789abcdef⟧\"",
        "x = \"⟦ntn_123456789012abc⟧\"",
        "x = \"⟦figd_abcdefgh1234⟧\"",
        "x = \"⟦ATATT3xFfGF0abcdefgh1=1A2B3C⟧\"",
        "x = \"⟦AKCp8abcdefgh1234⟧\"",
        "x = \"⟦sntrys_eyJpYXQiOjE2OTk1=_abc⟧\"",
        "x = \"⟦AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0⟧\"",
        "x = \"⟦pat-na1-01234567-89ab⟧\"",
    ] {
        check("a.rs", marked);
    }
}

#[test]
fn a_private_key_is_masked_also_where_the_text_holds_only_a_part_of_it() {
    let (one, two, tail) = (
        "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49",
        "AwEHoUQDQgAEPR3tU2Fta9ktY+6P9G0cWO+0kETA6SFs38GecTyudlHz6xvCdz8q",
        "EKTcWGekdmdDPsHloRNtsiCa697B2O9IFA==",
    );
    let keys = [one, two, tail];
    for text in [
        format!("-----BEGIN EC PRIVATE KEY-----\n{one}\n{two}\n{tail}\n-----END EC PRIVATE KEY-----\n"),
        format!("k = '''-----BEGIN RSA PRIVATE KEY-----\n{one}\n{two}\n{tail}"),
        format!("{two}\n{tail}\n-----END OPENSSH PRIVATE KEY-----\nx = 1\n"),
        format!("{one}\n{two}\n"),
        format!("k =\n    \"{one}\\n\" +\n    \"{two}\\n\" +\n    \"{tail}\\n\";\n"),
        format!("# {one}\n# {two}\n# {tail}\n"),
        format!("  key: |\n    {one}\n    {two}\n    {tail}\n"),
        format!(
            "{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{one}\\n{two}\\n{tail}\\n-----END PRIVATE KEY-----\\n\"}}"
        ),
    ] {
        let masked = Masks::default().apply(&text, &spans(&text, "a.rs").unwrap());
        assert!(keys.iter().all(|key| !masked.contains(key)), "{masked}");
        assert!(masked.len() == text.len() && masked.lines().count() == text.lines().count());
    }
}

#[test]
fn ordinary_code_stays_as_it_is() {
    for text in [
        "password = getpass()",
        "password = os.environ[\"DB_PASSWORD\"]",
        "let password = args.password.clone();",
        "if password == \"\" { return Err(\"password missing\") }",
        "def check(password: str, token: Token) -> bool:",
        "<input type=\"password\" name=\"password\" placeholder=\"Password\">",
        "label: \"Password\", placeholder: \"Enter your password\"",
        "password: '${DB_PASSWORD}'",
        "password = \"{{ vault_password }}\"",
        "password: <your password>",
        "token = tokens[i]; key = \"customer_id\"",
        "if token.kind == \"string\" and token.value == \"identifier\":",
        "form.errors[\"password\"] == [\"This field is required.\"]",
        "let max_tokens = \"100\"; let token_type = \"bearer1234\";",
        "render_pass = shader_pass(2)",
        "(\"username\", \"password\", \"message\"),",
        "sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
        "id = \"6f9619ff-8b86-d011-b42d-00c04fc964ff\"",
        "func TestBasicAuthForProxy407(t *testing.T) {",
        "convertUtf8ToUtf16LittleEndianWithoutBom2Times",
        "import { createHash } from 'node:crypto'; // see https://nodejs.org/api/crypto.html#cryptocreatehashalgorithm-options",
        "label: \"Enter your password\"",
        "read(\"Password: \"); throw `Wrong password: ${ctx.password}`;",
        "fn secret() -> Result<Secret, Error> {",
        "if (typeof password !== 'string') {}",
        "def get_password(self):\n    \"\"\"Tells what it is.\"\"\"",
        "names = ('access_token', 'refresh_token'); props = ['password', 'charset', 'coords']",
        "pwd = self.password.encode('utf-8')",
        "password = \"$PASSWORD\"; password = \"$db_password\"; password = '${PASSWORD}'",
        "password = cfg.get(\"db\", section=\"database\")",
        "password = input(\"Enter it: \"); password = decrypt(\"x\", mode=\"cbc\")",
        "is_password = kind == \"hidden\" || kind != \"shown\"",
        "if password: name = \"nobody\"",
        "if password == other { return \"equal\" }",
        "if verify_password(x) { return \"fine\" }",
        "def f(password: str, name: str = \"bob\"):",
        "\"password\": {\"type\": \"string\", \"description\": \"What it is\"},",
        "password: z.string().min(8, \"At least eight\")",
        "key = \"address1\"; key = \"Float64Array\"; token = \"x86-linux\"",
        "user, password = load(\"a\"), load(\"b\")",
        "url = \"https://user:password@host/\"; \"https://me@github.com/o/r\"; \"git@github.com:o/r\"",
        "f\"https://api.telegram.org/bot{token}/send\"",
        "\"src/Models/Http2/Requests/Headers/V1/Abcd\"",
        "parser.add_argument(\"--password\", \"-p\", help=\"What to use\")",
        "e.user=t;e.pwd=n;e.x=1",
        "printf(\"%s\\n\", \"**********\");",
        "",
    ] {
        check("a.py", text);
    }
}

#[test]
fn a_prompt_is_masked_in_all_its_parts_and_keeps_its_size() {
    let secret = "ghp_Ab3dEf6hIj9kLmN0pQrStUvWxYz123456789";
    let prompt = Prompt {
        path: format!("src/{secret}.rs"),
        language: "rust".into(),
        excerpts: vec![Excerpt {
            path: format!("{secret}.rs"),
            above: format!("// {secret}\n"),
            text: format!("let a = \"{secret}\";"),
        }],
        prefix: format!("let b = \"{secret}\";\nlet ü = "),
        suffix: format!(";\nlet c = \"{secret}\";\n"),
        ..Prompt::default()
    };
    let (sent, masks) = masked(&prompt).unwrap();
    assert_eq!(masks.count, 5);
    let [excerpt] = sent.excerpts.as_slice() else { panic!("one excerpt") };
    for (text, before) in [
        (&sent.path, &prompt.path),
        (&sent.prefix, &prompt.prefix),
        (&sent.suffix, &prompt.suffix),
        (&excerpt.path, &prompt.excerpts[0].path),
        (&excerpt.text, &prompt.excerpts[0].text),
    ] {
        assert!(
            !text.contains(secret) && text.len() == before.len() && text.contains(&"*".repeat(secret.len())),
            "{text}"
        );
    }
}

#[test]
fn a_value_at_the_top_of_the_window_belongs_to_a_name_above_it() {
    for (above, prefix, sent) in [
        ("PASSWORD = \"\"\"\n", "hunter2prod\n\"\"\"\nx = ", "***********\n\"\"\"\nx = "),
        ("PASSWORD = (\n", "    \"hunter2prod\"\n)\nx = ", "    \"***********\"\n)\nx = "),
        ("PASSWORD = \"hunter2prod\"\n", "x = \"hunter3\"\ny = ", "x = \"hunter3\"\ny = "),
        ("# ü\n", "x = ", "x = "),
        ("PASSWORDS = {\n    …\n", "    'a': 'hunter2',\n", "    'a': '*******',\n"),
    ] {
        let prompt = Prompt { path: "a.py".into(), above: above.into(), prefix: prefix.into(), ..Prompt::default() };
        let (masked, _) = masked(&prompt).unwrap();
        assert_eq!((masked.prefix.as_str(), masked.above.as_str()), (sent, ""), "{above}");
    }
}

#[test]
fn a_value_belongs_to_a_name_far_above_the_window_or_the_excerpt() {
    let rows = |row: fn(usize) -> String, count| (0..count).map(row).collect::<String>();
    let yaml = |head: &str, count| format!("{head}\n{}", rows(|n| format!("  user{n}: hunter{n}-prod\n"), count));
    let python =
        |count| format!("PASSWORDS = {{\n{}", rows(|n| format!("    \"user{n}\": \"hunter{n}-prod\",\n"), count));
    let toml = format!("[passwords]\n{}", rows(|n| format!("user{n} = \"hunter{n}-prod\"\n"), 900));
    let secret = yaml("apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:", 900);
    let harmless = yaml("kind: Secret\ndata:\n  a: hunter\n---\nkind: ConfigMap\ndata:", 900);
    for (path, text, is_secret) in [
        ("a.yaml", yaml("passwords:", 900), true),
        ("a.yaml", secret, true),
        ("a.yaml", harmless, false),
        ("a.py", python(900), true),
        ("a.toml", toml, true),
    ] {
        let text = text + "last = ";
        for lines in [15, 300] {
            let at = text.rmatch_indices('\n').nth(lines).unwrap().0 + 1;
            let (above, below) =
                (crate::prompt::above(&Rope::from(text.as_str()), at, 1024), text.get(at..).unwrap().to_owned());
            let excerpt = Excerpt { path: path.into(), above: above.clone(), text: below.clone() };
            for prompt in [
                Prompt { path: path.into(), above, prefix: below, ..Prompt::default() },
                Prompt { excerpts: vec![excerpt], ..Prompt::default() },
            ] {
                let (sent, masks) = masked(&prompt).unwrap();
                let expected = if is_secret { lines } else { 0 };
                assert_eq!(masks.count, expected, "{path} {lines}: {} {}", sent.prefix, sent.excerpts.len());
                assert!(sent.excerpts.iter().all(|excerpt| excerpt.above.is_empty()));
            }
        }
    }
}

#[test]
fn at_a_cursor_in_a_secret_nothing_is_sent() {
    for (text, is_inside) in [
        ("password = \"hunˇter2\"", true),
        ("password = \"hunter2ˇ\"", true),
        ("password = \"hunˇ", true),
        ("k = 'AKIAZ7Q3LMKPˇ4RTX2WVB'", true),
        ("password = \"hunter2\"ˇ", false),
        ("password = \"ˇ\"", false),
        ("password = ˇ\"hunter2\"", false),
    ] {
        let (prefix, suffix) = text.split_once('ˇ').unwrap();
        let prompt = Prompt { prefix: prefix.into(), suffix: suffix.into(), ..Prompt::default() };
        assert_eq!(masked(&prompt).err(), is_inside.then_some(Unmasked::Inside), "{text}");
    }
}

#[test]
fn an_answer_that_repeats_a_mask_is_known() {
    let prompt = |prefix: &str| Prompt { prefix: prefix.into(), ..Prompt::default() };
    let (_, long) = masked(&prompt("password = \"hunter2\"\n")).unwrap();
    let (_, short) = masked(&prompt("db = \"postgres://u:p@h/db\"\n")).unwrap();
    let (_, ruled) = masked(&prompt("password = \"hunter2\"\n# **********\n")).unwrap();
    let (_, quoted) = masked(&prompt("password = \"hunter2\"\nx = '*****'\n")).unwrap();
    let (_, none) = masked(&prompt("let x = 1;\n")).unwrap();
    for (masks, answer, is_over, is_found) in [
        (&long, "password = \"*******\"", false, true),
        (&long, "password = \"***", false, false),
        (&long, "password = \"***", true, true),
        (&long, "password: ***", true, true),
        (&long, "\"***\"", true, false),
        (&long, "/*** end ***/", true, false),
        (&long, "/*********** end ***********/", true, false),
        (&long, "**bold**", true, false),
        (&long, "f(\"*********", false, true),
        (&long, "x, \"****\")", false, true),
        (&long, "x, \"***\")", false, false),
        (&long, "x, \"****'", false, false),
        (&quoted, "x, \"****\")", false, false),
        (&ruled, "# *********", false, false),
        (&ruled, "# ***********", false, true),
        (&long, "f(\"**", true, true),
        (&long, "f(**kwargs)", false, false),
        (&long, "a * b", true, false),
        (&short, "postgres://u:*@h/db", false, true),
        (&short, "let x = *p;", false, false),
        (&none, "/********/", true, false),
    ] {
        assert_eq!(masks.find(answer, is_over).is_some(), is_found, "{answer}");
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
