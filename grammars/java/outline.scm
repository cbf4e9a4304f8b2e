; Definitions in Java: `@definition` around each, `@name` within.

(class_declaration name: (_) @name) @definition
(interface_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(record_declaration name: (_) @name) @definition
(annotation_type_declaration name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(constructor_declaration name: (_) @name) @definition
(compact_constructor_declaration name: (_) @name) @definition
(field_declaration declarator: (variable_declarator name: (_) @name)) @definition
(enum_constant name: (_) @name) @definition
