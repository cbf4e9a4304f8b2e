; Definitions in Java: `@definition` or `@type` around each, `@name` within.

(class_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(record_declaration name: (_) @name) @type
(annotation_type_declaration name: (_) @name) @type
(method_declaration name: (_) @name) @definition
(constructor_declaration name: (_) @name) @definition
(compact_constructor_declaration name: (_) @name) @definition
(field_declaration declarator: (variable_declarator name: (_) @name)) @definition
(enum_constant name: (_) @name) @definition
