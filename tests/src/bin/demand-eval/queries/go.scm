; Definitions in Go, for the measurement alone.

(function_declaration name: (_) @name) @callable
(method_declaration name: (_) @name) @callable
(type_spec name: (_) @name) @type
(type_alias name: (_) @name) @type
(source_file (const_declaration (const_spec name: (identifier) @name) @value))
(source_file (var_declaration (var_spec name: (identifier) @name) @value))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @value)))
(field_declaration name: (_) @name) @member
(method_elem name: (_) @name) @signature
