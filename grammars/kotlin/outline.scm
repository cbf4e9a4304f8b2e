; Definitions in Kotlin: `@definition` or `@type` around each, `@name` within.

(class_declaration name: (_) @name) @type
(object_declaration name: (_) @name) @type
(function_declaration name: (_) @name) @definition
(property_declaration (variable_declaration (identifier) @name)) @definition
(enum_entry (identifier) @name) @definition
(type_alias type: (_) @name) @type
