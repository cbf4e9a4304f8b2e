; Definitions in TypeScript and TSX, for the measurement alone.

(function_declaration name: (_) @name) @callable
(generator_function_declaration name: (_) @name) @callable
(function_signature name: (_) @name) @signature
(method_definition name: (_) @name) @callable
(method_signature name: (_) @name) @signature
(abstract_method_signature name: (_) @name) @signature
(class_declaration name: (_) @name) @type
(abstract_class_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(public_field_definition name: (_) @name) @member
(property_signature name: (_) @name) @member
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @value)
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)) @value))
