//! Cases of values that no sign gives to a name, of calls and commands that take a password at a known place, and of known patterns.

use super::check;

#[test]
fn names_of_secrets_are_known_in_their_usual_forms() {
    for name in [
        "creds",
        "cred",
        "dbpass",
        "DBPASS",
        "userpass",
        "rootpw",
        "bindpw",
        "psw",
        "pswd",
        "psk",
        "preshared_key",
        "aes_key",
        "wifi_key",
        "seed_phrase",
        "recovery_code",
        "clave",
        "parolă",
        "lozinka",
        "mật_khẩu",
        "كلمة_السر",
        "סיסמה",
        "ｐａｓｓｗｏｒｄ",
    ] {
        check("a.py", &format!("{name} = \"⟦hunter2-prod⟧\""));
    }
    let phrase = "abandon ability able about above absent absorb abstract absurd abuse access ⟦accident⟧";
    let masked: Vec<_> = phrase.split(' ').map(|word| format!("⟦{}⟧", word.trim_matches(['⟦', '⟧']))).collect();
    check("a.py", &format!("mnemonic = \"{}\"", masked.join(" ")));
    check("a.py", "mnemonic = \"mov\"; seed = \"a-seed-1234\"");
}

#[test]
fn what_sql_gives_is_masked() {
    for marked in [
        "CREATE USER app IDENTIFIED BY '⟦hunter2-prod⟧';",
        "CREATE USER app IDENTIFIED BY ⟦hunter2prod⟧;",
        "GRANT ALL ON x.* TO 'app'@'%' IDENTIFIED BY '⟦hunter2-prod⟧';",
        "CREATE USER app IDENTIFIED WITH mysql_native_password BY '⟦hunter2-prod⟧';",
        "ALTER USER app WITH PASSWORD '⟦hunter2-prod⟧';",
        "ALTER ROLE app WITH ENCRYPTED PASSWORD '⟦hunter2-prod⟧';",
        "CREATE LOGIN app WITH PASSWORD = N'⟦hunter2-prod⟧';",
        "SELECT * FROM users WHERE password IN ('⟦hunter2-prod⟧')",
        "-- each row is identified by its name",
        "CREATE USER app IDENTIFIED BY '$PASSWORD';",
    ] {
        check("a.sql", marked);
    }
}

#[test]
fn what_a_field_beside_the_name_gives_is_masked() {
    for (path, marked) in [
        ("a.json", "{\"name\": \"DB_PASSWORD\", \"value\": \"⟦hunter2-prod⟧\"}"),
        ("a.json", "{\n  \"name\": \"DB_PASSWORD\",\n  \"value\": \"⟦hunter2-prod⟧\"\n}"),
        ("a.json", "{\"value\": \"⟦hunter2-prod⟧\", \"name\": \"DB_PASSWORD\"}"),
        ("a.json", "{\"name\": \"app.password\", \"type\": \"secret\", \"value\": \"⟦hunter2-prod⟧\"}"),
        ("a.tf", "{ name = \"DB_PASSWORD\", value = \"⟦hunter2-prod⟧\" }"),
        ("a.yaml", "env:\n  - name: DB_PASSWORD\n    value: ⟦hunter2-prod⟧\n  - name: X\n    value: one"),
        ("a.yaml", "env:\n  - value: ⟦hunter2-prod⟧\n    name: DB_PASSWORD"),
        ("a.yaml", "env:\n  - name: DB_PASSWORD\n    value: \"⟦hunter2-prod⟧\""),
        ("A.java", "@Setting(name = \"password\", value = \"⟦hunter2-prod⟧\")"),
        ("a.xml", "<property value=\"⟦hunter2-prod⟧\" name=\"password\"/>"),
        ("a.xml", "<property name=\"password\">⟦hunter2-prod⟧</property>"),
        ("a.xml", "<password><![CDATA[⟦hunter2-prod⟧]]></password>"),
        ("a.xml", "<password>\n  ⟦hunter2-prod⟧\n</password>"),
        ("a.plist", "<key>password</key>\n<string>⟦hunter2-prod⟧</string>"),
        ("a.json", "[{\"name\": \"DB_PASSWORD\"}, {\"value\": \"plain\"}]"),
        ("a.json", "{\"name\": \"user\", \"value\": \"plain\"}"),
        (
            "a.yaml",
            "- name: A\n  value: one\n- name: B\n  valueFrom:\n    secretKeyRef:\n      key: password\n- name: C\n  value: two",
        ),
        ("a.xml", "<input name=\"password\">\n<b>Go on</b>"),
        ("a.xml", "<password>\n  <min>8</min>\n</password>"),
        ("a.ts", "{ name: \"password\", value: state.password, label: \"Yours\" }"),
    ] {
        check(path, marked);
    }
}

#[test]
fn what_files_of_settings_give_in_other_forms_is_masked() {
    for (path, marked) in [
        ("a.yaml", "password: &pw ⟦hunter2-prod⟧"),
        ("a.yaml", "password: *pw"),
        ("a.yaml", "password: !secret db_password"),
        ("a.yaml", "args:\n  - --password\n  - ⟦hunter2-prod⟧\n  - --user\n  - me"),
        ("a.yaml", "args:\n  - \"--password\"\n  - \"⟦hunter2-prod⟧\""),
        ("a.properties", "spring.datasource.password ⟦hunter2-prod⟧"),
        ("a.conf", "requirepass ⟦hunter2-prod⟧"),
        ("a.conf", "proxy_pass http://backend;\nssl_password_file /etc/x;"),
        ("a.conf", "# the password is asked for\npassword must be long"),
        ("a.txt", "user: bob\npass: ⟦hunter2-prod⟧"),
        ("a.txt", "Password: what you were told by the others"),
        ("a.txt", "djangorestframework-api-key==2.0.0"),
        ("a.http", "Cookie: a=b; session=⟦hunter2prod99zzqqKK77⟧"),
    ] {
        check(path, marked);
    }
}

#[test]
fn what_languages_give_in_other_forms_is_masked() {
    for (path, marked) in [
        ("a.cpp", "std::string password{\"⟦hunter2-prod⟧\"};"),
        ("a.rs", "const PW: [u8; 12] = *b\"⟦hunter2-prod⟧\";"),
        ("a.go", "dsn := \"app:⟦hunter2-prod⟧@tcp(db:3306)/x\""),
        ("a.go", "dsn := fmt.Sprintf(\"%s:%s@tcp(%s)/x\", user, pw, host)"),
        ("a.php", "$password = <<<EOT\n⟦hunter2-prod⟧\nEOT;\n$x = 'one';"),
        ("a.rb", "password = <<~PW\n  ⟦hunter2-prod⟧\nPW\nx = 'one'"),
        ("a.tf", "password = <<EOT\n⟦hunter2-prod⟧\nEOT\nx = \"one\""),
        ("a.cpp", "auto password = x << 3;\nauto y = \"one\";"),
        ("a.pl", "my $password = q{⟦hunter2-prod⟧};"),
        ("a.kt", "val password by lazy { \"⟦hunter2-prod⟧\" }"),
        ("a.kt", "val password: String get() = \"⟦hunter2-prod⟧\""),
        ("a.kt", "val password: String\n    get() = \"⟦hunter2-prod⟧\""),
        ("a.ex", "@password \"⟦hunter2-prod⟧\""),
        ("a.clj", "{:password \"⟦hunter2-prod⟧\"}"),
        ("a.erl", "{password, \"⟦hunter2-prod⟧\"}."),
        ("a.erl", "{password, <<\"⟦hunter2-prod⟧\">>}."),
        ("a.erl", "-define(PASSWORD, \"⟦hunter2-prod⟧\")."),
        ("a.vb", "Dim password As String = \"⟦hunter2-prod⟧\""),
        ("a.cmake", "set(DB_PASSWORD \"⟦hunter2-prod⟧\")"),
        ("a.py", "password = \"\".join([\"⟦hunter2⟧\", \"⟦-prod⟧\"])"),
        ("a.py", "secret = os.path.join(\"one\", \"two\")"),
        ("a.py", "if password in (\"⟦hunter2-prod⟧\", \"⟦letmein⟧\"):"),
        ("a.py", "if password in known: name = \"nobody\""),
        ("a.go", "return Secret{\"a-name\"}"),
        ("a.py", "raise Error(\"Invalid user:password \" + x + \"!\")"),
        ("a.py", "print(\"log in with password \" + x + \"!\")"),
        ("a.feature", "When I log in with password \"⟦hunter2-prod⟧\""),
    ] {
        check(path, marked);
    }
}

#[test]
fn what_calls_take_at_a_known_place_is_masked() {
    for marked in [
        "new PDO($dsn, \"root\", \"⟦hunter2-prod⟧\")",
        "mysqli_connect(\"h\", \"root\", \"⟦hunter2-prod⟧\")",
        "mysql_real_connect(c, \"h\", \"root\", \"⟦hunter2-prod⟧\", \"db\", 0, 0, 0);",
        "DriverManager.getConnection(url, \"root\", \"⟦hunter2-prod⟧\");",
        "DriverManager.getConnection(\n    url,\n    \"root\",\n    \"⟦hunter2-prod⟧\");",
        "DBI->connect($dsn, \"root\", \"⟦hunter2-prod⟧\");",
        "new Sequelize(\"db\", \"user\", \"⟦hunter2-prod⟧\", {})",
        "WiFi.begin(\"myssid\", \"⟦hunter2-prod⟧\");",
        "jwt.sign({id: 1}, \"⟦hunter2-prod⟧\")",
        "smtp.login(user, \"⟦hunter2-prod⟧\")",
        "smtp.PlainAuth(\"\", \"u\", \"⟦hunter2-prod⟧\", h)",
        "crypto.createHmac(\"sha256\", \"⟦hunter2-prod⟧\")",
        "pyotp.TOTP('⟦JBSWY3DPEHPK3PXP⟧')",
        "page.fill(\"input[name=password]\", \"⟦hunter2-prod⟧\")",
        "page.type(\"#password\", \"⟦hunter2-prod⟧\")",
        "cy.get(\"#password\").type(\"⟦hunter2-prod⟧\")",
        "driver.findElement(By.id(\"password\")).sendKeys(\"⟦hunter2-prod⟧\")",
        "fill_in \"Password\", with: \"⟦hunter2-prod⟧\"",
        "new PDO($dsn, $user, $password)",
        "DriverManager.getConnection(url, load(\"a\"), load(\"b\"));",
        "client.login(request, \"/next\"); x.begin(\"a\", \"b\"); pdo(1, 2, \"three\")",
        "page.click(\"#password\", \"left\"); cy.get(\"#password\").should(\"have.value\")",
        "jwt.verify(token, process.env.JWT_SECRET)",
    ] {
        check("a.js", marked);
    }
}

#[test]
fn what_commands_take_is_masked() {
    for (path, marked) in [
        ("a.ps1", "$p = ConvertTo-SecureString \"⟦hunter2-prod⟧\" -AsPlainText -Force"),
        ("a.ps1", "ConvertTo-SecureString $plain -AsPlainText; Write-Host \"one\""),
        ("a.ps1", "Connect-X -Password ⟦hunter2-prod⟧ -Force"),
        ("a.ps1", "Connect-X -Password '⟦hunter2-prod⟧'"),
        ("a.ps1", "Connect-X -Password $password -Name \"one\""),
        ("a.fish", "set -gx DB_PASSWORD ⟦hunter2-prod⟧"),
        ("a.sh", "PASSWORDS=(⟦hunter2-prod⟧ \"⟦letmein⟧\" $third)\nx=(one)"),
        ("a.sh", "read -r PASSWORD <<< \"⟦hunter2-prod⟧\""),
        ("a.sh", "echo \"root:⟦hunter2-prod⟧\" | chpasswd"),
        ("a.sh", "echo ⟦hunter2-prod⟧ | docker login -u me --password-stdin"),
        ("a.sh", "echo -n \"⟦hunter2-prod⟧\" | sudo -S apt update"),
        ("a.sh", "echo \"$PASSWORD\" | docker login --password-stdin; cat x | sudo -S y"),
        ("a.sh", "htpasswd -b -c f admin ⟦hunter2-prod⟧"),
        ("a.sh", "redis-cli -a ⟦hunter2-prod⟧ ping"),
        ("a.sh", "keytool -storepass ⟦hunter2-prod⟧ -keypass ⟦hunter3-prod⟧"),
        ("a.sh", "sqlcmd -S h -U sa -P ⟦hunter2-prod⟧"),
        ("a.sh", "az login --service-principal -u x -p ⟦hunter2-prod⟧"),
        ("a.sh", "7z x -p⟦hunter2-prod⟧ a.7z"),
        ("a.sh", "unzip -P ⟦hunter2-prod⟧ a.zip"),
        ("a.sh", "mongo -u root -p ⟦hunter2-prod⟧ admin"),
        ("a.sh", "influx -username u -password ⟦hunter2-prod⟧"),
        ("a.sh", "smbclient //h/s -U me%⟦hunter2-prod⟧"),
        ("a.py", "run([\"curl\", \"-u\", \"admin:⟦hunter2-prod⟧\", url])"),
        ("a.sh", "unzip -P \"$PASSWORD\" a.zip; smbclient -U me x; curl -u me https://h/"),
    ] {
        check(path, marked);
    }
}

#[test]
fn keys_are_known_by_their_patterns() {
    let (hex, uuid) = ("b27c8af6666259bbc471fb3be24a0b80", "48c828b4-136d-3b97-429a-b7bca1aafb77");
    for key in [
        format!("patTn7qLWaYyDIfIZ.{hex}{hex}"),
        format!("dt0c01.8BKRPBNDZ2MS6GMPDIDFEVIA.{}", "MR8AUBNUUB5ZVLD0".repeat(4)),
        format!("sdk-{uuid}"),
        format!("access_token$production$5ba7b4b87113c16f${hex}"),
        format!("v1.0-9e7c6be9ff907a76cc0b57aa-{}", hex.repeat(5).get(..146).unwrap()),
        "SCWMSZ9NIP86PGAGD5NO".to_owned(),
        format!("1/0396663040463353:{hex}"),
    ] {
        check("a.rs", &format!("f(\"⟦{key}⟧\")"));
    }
    for text in [
        format!("id = \"{uuid}\""),
        "SCWABCDEFGHIJKLMNOPQ".to_owned(),
        "pattern.of(path)".to_owned(),
        "url/1/2: \"v1.0-beta\"".to_owned(),
    ] {
        check("a.rs", &text);
    }
}
