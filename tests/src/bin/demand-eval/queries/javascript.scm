; Definitions in JavaScript, for the measurement alone.

(function_declaration name: (_) @name) @callable
(generator_function_declaration name: (_) @name) @callable
(method_definition name: (_) @name) @callable
(class_declaration name: (_) @name) @type
(field_definition property: (_) @name) @member
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @value)
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)) @value))
