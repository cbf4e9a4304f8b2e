; Definitions in C++: `@definition` around each, `@name` within.

(function_definition declarator: (function_declarator declarator: (_) @name)) @definition
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @definition
(function_definition declarator: (reference_declarator (function_declarator declarator: (_) @name))) @definition
(field_declaration declarator: (function_declarator declarator: (_) @name)) @definition
(class_specifier name: (_) @name body: (_)) @definition
(struct_specifier name: (_) @name body: (_)) @definition
(union_specifier name: (_) @name body: (_)) @definition
(enum_specifier name: (_) @name body: (_)) @definition
(namespace_definition name: (_) @name) @definition
(concept_definition name: (_) @name) @definition
(type_definition declarator: (_) @name) @definition
(alias_declaration name: (_) @name) @definition
(preproc_def name: (_) @name) @definition
(preproc_function_def name: (_) @name) @definition
