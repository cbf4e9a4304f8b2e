; Definitions in C, for the measurement alone.

(function_definition declarator: (function_declarator declarator: (identifier) @name)) @callable
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @callable
(declaration declarator: (function_declarator declarator: (identifier) @name)) @signature
(declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @signature
(preproc_function_def name: (_) @name) @callable
(preproc_def name: (_) @name) @value
(struct_specifier name: (_) @name body: (_)) @type
(union_specifier name: (_) @name body: (_)) @type
(enum_specifier name: (_) @name body: (_)) @type
(type_definition declarator: (type_identifier) @name) @type
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @name)) @value)
(enumerator name: (_) @name) @member
(field_declaration declarator: (field_identifier) @name) @member
(field_declaration declarator: (pointer_declarator declarator: (field_identifier) @name)) @member
(field_declaration declarator: (array_declarator declarator: (field_identifier) @name)) @member
