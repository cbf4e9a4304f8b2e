//! Cases of defaults, templates, blocks, keys of bytes, and calls that name what they are given.

use super::check;

#[test]
fn the_default_of_a_reference_or_a_template_is_masked() {
    for (path, marked) in [
        ("A.java", "@Value(\"${spring.datasource.password:⟦hunter-prod⟧}\")\nprivate String password;"),
        ("a.sh", ": \"${DB_PASSWORD:=⟦hunter-prod⟧}\"; x=\"${DB_PASSWORD:0:8}\"; y=${DB_PASSWORD:?must be set}"),
        ("a.yml", "password: \"{{ pw | default('⟦hunter-prod⟧') }}\""),
        ("a.yml", "password: {{ .Values.password | default \"⟦hunter-prod⟧\" | quote }}"),
        ("a.yml", "password: \"{{ '⟦hunter-prod⟧' | password_hash('sha512') }}\""),
        ("a.yml", "password: {{ include \"shop.password\" . | b64enc | quote }}"),
        ("a.yml", "password: \"{{ lookup('env', 'DB_PASSWORD') }}\""),
        ("a.dart", "String.fromEnvironment('API_KEY', defaultValue: '⟦hunter-prod⟧')"),
        (
            "a.go",
            "viper.SetDefault(\"db.password\", \"⟦hunter-prod⟧\"); flag.String(\"password\", \"⟦hunter-prod⟧\", \"help\")",
        ),
        ("a.rs", "#[arg(long, env = \"DB_PASSWORD\", default_value = \"⟦hunter-prod⟧\")]"),
        ("a.rb", "ENV[\"DB_PASSWORD\"] ||= \"⟦hunter-prod⟧\""),
        ("a.html", "<input value=\"⟦hunter-prod⟧\" type=\"password\">"),
    ] {
        check(path, marked);
    }
}

#[test]
fn what_calls_and_blocks_give_to_a_name_is_masked() {
    for (path, marked) in [
        ("a.tsx", "const [password, setPassword] = useState<string>(\"⟦hunter-prod⟧\");"),
        ("a.ts", "expect(user.password).toBe(\"⟦hunter-prod⟧\");"),
        ("a.ts", "await user.type(screen.getByLabelText(\"Password\"), \"⟦hunter-prod⟧\");"),
        ("a.rs", "headers.insert(\"x-api-key\", HeaderValue::from_static(\"⟦hunter-prod⟧\"));"),
        ("A.java", "Map.of(\"USER\", \"shop\", \"DB_PASSWORD\", \"⟦hunter-prod⟧\")"),
        ("a.kt", "mapOf(\"user\" to \"shop\", \"password\" to \"⟦hunter-prod⟧\")"),
        ("a.rb", "set :session_secret, \"⟦hunter-prod⟧\""),
        ("a.rb", "let(:password) { \"⟦hunter-prod⟧\" }\npassword { \"⟦hunter-prod⟧\" }"),
        ("a.swift", "request.setValue(\"⟦hunter-prod⟧\", forHTTPHeaderField: \"X-Api-Key\")"),
        ("a.swift", "static var apiKey: String { \"⟦hunter-prod⟧\" }"),
        ("a.swift", "defaults.set(\"dark\", forKey: \"theme\"); sort(\"name\", key: \"password\")"),
        ("a.swift", "var secretName: String { \"my-secret\" }"),
        ("a.php", "'password' => Hash::make('⟦hunter-prod⟧'),"),
        ("a.py", "AES_KEY = bytes.fromhex(\"⟦8f14e45fceea167a5a36dedd4bea2543⟧\")"),
        ("a.py", "auth = b64encode(b\"admin:⟦hunter-prod⟧\"); x = b64encode(b\"plain: text\")"),
        ("a.go", "db, err := sql.Open(\"mysql\", \"root:⟦hunter-prod⟧@/shop\")"),
        ("a.js", "headers = {\"Authorization\": \"Token ⟦9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b⟧\"}"),
        ("a.rs", "if show_password { \"hide\" } else { \"show\" }"),
        ("a.rs", "let secret = store.get_secret(\"prod/db\"); let token = read_token(\"ci\");"),
        ("a.py", "return {'password': config.get(s, 'password'), 'repository': repository}"),
    ] {
        check(path, marked);
    }
}

#[test]
fn the_bytes_of_a_key_are_masked() {
    let bytes = "0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c";
    for (path, before, after) in [
        ("a.c", "static const uint8_t aes_key[16] = { ", " };"),
        ("a.rs", "const SIGNING_KEY: [u8; 16] = [", "];"),
        ("A.java", "byte[] AES_KEY = new byte[] {", "};"),
        ("a.go", "var aesKey = []byte{", "}"),
    ] {
        check(path, &format!("{before}⟦{bytes}⟧{after}"));
    }
    check("a.c", &format!("static const uint8_t table[16] = {{ {bytes} }};"));
    check("a.rs", "let seed = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]; let secret = [0; 16];");
}

#[test]
fn labels_rules_and_digests_stay_as_they_are() {
    for (path, text) in [
        ("de.json", "{\"password\": \"Passwort\", \"forgotPassword\": \"Passwort vergessen?\"}"),
        ("es.ts", "export default { password: \"Contraseña\", confirmPassword: \"Confirmar contraseña\" };"),
        ("a.php", "$rules = ['password' => 'required|string|min:8|confirmed'];"),
        ("a.php", "'passwords' => ['users' => ['provider' => 'users', 'table' => 'password_resets']],"),
        ("a.py", "self.client_token = client_token; self.password = credentials"),
        (
            "a.html",
            "<script integrity=\"sha384-sRIl4kxILFvY47J16cr9ZwB07vP4J8+LH7qKQnuqkuIAvNWLzeN8tE5YBujZqJLB\"></script>",
        ),
        ("go.sum", "x v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4="),
    ] {
        check(path, text);
    }
}
