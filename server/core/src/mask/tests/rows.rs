//! Cases of values in the rows below a name, and of those beside it in a table.

use super::check;

#[test]
fn what_rows_below_a_name_give_is_masked() {
    for (path, marked) in [
        ("a.sql", "INSERT INTO users (id, email, password) VALUES (1, 'a@example.com', '⟦hunter2-prod⟧');"),
        (
            "a.sql",
            "INSERT INTO users\n  (id, `api_token`, `password`)\nVALUES\n  (1, '⟦8f14e45fceea167a5a36dedd4bea2543⟧', '⟦hunter2-prod⟧'),\n  (2, NULL, '⟦hunter3-prod⟧');",
        ),
        (
            "a.sql",
            "INSERT INTO users (name, password, age) VALUES ('O''Brien, x', '⟦hunter2-prod⟧', 3);\nSELECT 'one';",
        ),
        ("a.py", "cur.execute(\"INSERT INTO users (name, password) VALUES ('a', '⟦hunter2-prod⟧')\")"),
        ("a.py", "@parametrize(\"user,password\", [(\"a\", \"⟦hunter2-prod⟧\"), (\"b\", \"⟦hunter3-prod⟧\")])"),
        ("a.py", "@parametrize([\"user\", \"password\", \"ok\"], [(\"a\", \"⟦hunter2-prod⟧\", True)])"),
        ("a.md", "| user | password |\n|---|---|\n| a | ⟦hunter2-prod⟧ |\n| b | `⟦hunter3-prod⟧` |"),
        ("a.md", "| Admin password | `⟦hunter2-prod⟧` |"),
        ("a.feature", "  | name | password       |\n  | a    | ⟦hunter2-prod⟧ |"),
        ("a.csv", "id,name,password\n1,a,⟦hunter2-prod⟧\n2,b,\"⟦hunter3-prod⟧\""),
    ] {
        check(path, marked);
    }
}

#[test]
fn rows_without_a_secret_stay_as_they_are() {
    for (path, text) in [
        ("a.sql", "INSERT INTO users (name, password) VALUES (?, ?), ($1, crypt($2, gen_salt('bf')));"),
        (
            "a.sql",
            "INSERT INTO permissions (name, key) VALUES ('Read', 'read'), ('Reset a password', 'password.reset');",
        ),
        ("a.sql", "SELECT u.password FROM users u WHERE u.kind = 'session'; GRANT SELECT (password) ON users TO app;"),
        ("a.py", "@parametrize(\"password, valid\", [(\"\", False), (None, False)])"),
        ("a.py", "zip(user, password, [(\"one\", \"two\", \"three\")])"),
        ("a.md", "| Name | Type |\n|---|---|\n| `password` | string |\n| `secret` | bytes32 |\n| `token` | uint64 |"),
        ("a.md", "| Feature | Password |\n|---|---|\n| Reset | yes |\n| Length | at least 12 characters |"),
        ("a.csv", "id,name,passwords kept\n1,a,hunter2-prod"),
        ("a.rs", "let ok = |password| check(password);\nmatch x { | Token::Password => \"hidden\" }"),
    ] {
        check(path, text);
    }
}
