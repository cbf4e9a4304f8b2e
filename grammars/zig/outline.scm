; Definitions in Zig: `@definition` around each, `@name` within.

(function_declaration name: (_) @name) @definition
(source_file (variable_declaration . (identifier) @name) @definition)
(test_declaration (string) @name) @definition
