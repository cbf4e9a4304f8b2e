; Definitions in C or C++: `@definition` or `@type` around each, `@name` within. `@member` is a part of a type, which no outline shows.

(function_definition declarator: (function_declarator declarator: (_) @name)) @definition
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @definition
(struct_specifier name: (_) @name body: (_)) @type
(union_specifier name: (_) @name body: (_)) @type
(enum_specifier name: (_) @name body: (_)) @type
(type_definition declarator: (_) @name) @type
(preproc_def name: (_) @name) @definition
(preproc_function_def name: (_) @name) @definition
(enumerator name: (_) @name) @member
(field_declaration declarator: (field_identifier) @name) @member
(field_declaration declarator: (pointer_declarator declarator: (field_identifier) @name)) @member
(field_declaration declarator: (array_declarator declarator: (field_identifier) @name)) @member
