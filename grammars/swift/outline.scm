; Definitions in Swift: `@definition` or `@type` around each, `@name` within.

(class_declaration name: (_) @name) @type
(protocol_declaration name: (_) @name) @type
(function_declaration name: (_) @name) @definition
(init_declaration name: (_) @name) @definition
(property_declaration name: (pattern bound_identifier: (_) @name)) @definition
(enum_entry name: (_) @name) @definition
(typealias_declaration name: (_) @name) @type
