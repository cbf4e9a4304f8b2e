; Definitions in PHP: `@definition` or `@type` around each, `@name` within.

(function_definition name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(class_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(trait_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(enum_case name: (_) @name) @definition
(const_declaration (const_element (name) @name)) @definition
(property_declaration (property_element name: (_) @name)) @definition
