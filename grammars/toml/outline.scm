; Definitions in TOML: `@definition` around each, `@name` within.

(table . (_) @name) @definition
(table_array_element . (_) @name) @definition
(document (pair . (_) @name) @definition)
