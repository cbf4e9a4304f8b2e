; Definitions in Go: `@definition` or `@type` around each, `@name` within. `@member` is a part of a type, which no outline shows.

(function_declaration name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(type_spec name: (_) @name) @type
(type_alias name: (_) @name) @type
(source_file (const_declaration (const_spec name: (identifier) @name) @definition))
(source_file (var_declaration (var_spec name: (identifier) @name) @definition))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @definition)))
(field_declaration name: (_) @name) @member
(method_elem name: (_) @name) @member
