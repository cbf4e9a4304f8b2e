//! Secrets that are known by their own shape, and ordinary text that is none.

use super::*;

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
        "auth = BasicAuth(username=auth[0], password=auth[1])",
        "return BasicAuth(username=auth[0],\n    password=auth[1])",
        "connect(user=names[0], password=values[index], token=tokens[at])",
        "username, password = request.url.username, request.url.password",
        "user, password = pair.user, pair.password",
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
fn words_with_points_are_code_only_outside_of_texts_and_comments() {
    check("a.py", "url = \"db://host?password=⟦correct.horse.battery⟧\"");
    check("a.py", "# password=⟦correct.horse.battery⟧");
    check("app.properties", "password=⟦correct.horse.battery⟧");
    check("a.py", "login(password=correct.horse.battery)");
}
