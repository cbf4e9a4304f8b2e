; Definitions in PHP: `@definition` around each, `@name` within.

(function_definition name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(class_declaration name: (_) @name) @definition
(interface_declaration name: (_) @name) @definition
(trait_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(enum_case name: (_) @name) @definition
(const_declaration (const_element (name) @name)) @definition
(property_declaration (property_element name: (_) @name)) @definition
