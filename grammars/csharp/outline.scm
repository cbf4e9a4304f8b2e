; Definitions in C#: `@definition` around each, `@name` within.

(namespace_declaration name: (_) @name) @definition
(class_declaration name: (_) @name) @definition
(struct_declaration name: (_) @name) @definition
(interface_declaration name: (_) @name) @definition
(record_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(enum_member_declaration name: (_) @name) @definition
(delegate_declaration name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(constructor_declaration name: (_) @name) @definition
(property_declaration name: (_) @name) @definition
(event_declaration name: (_) @name) @definition
(field_declaration (variable_declaration (variable_declarator name: (_) @name))) @definition
