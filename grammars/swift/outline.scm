; Definitions in Swift: `@definition` around each, `@name` within.

(class_declaration name: (_) @name) @definition
(protocol_declaration name: (_) @name) @definition
(function_declaration name: (_) @name) @definition
(init_declaration name: (_) @name) @definition
(property_declaration name: (pattern bound_identifier: (_) @name)) @definition
(enum_entry name: (_) @name) @definition
(typealias_declaration name: (_) @name) @definition
