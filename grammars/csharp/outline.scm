; Definitions in C#: `@definition` or `@type` around each, `@name` within.

(namespace_declaration name: (_) @name) @extension
(class_declaration name: (_) @name) @type
(struct_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(record_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(enum_member_declaration name: (_) @name) @definition
(delegate_declaration name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(constructor_declaration name: (_) @name) @definition
(property_declaration name: (_) @name) @definition
(event_declaration name: (_) @name) @definition
(field_declaration (variable_declaration (variable_declarator name: (_) @name))) @definition
