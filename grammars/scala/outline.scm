; Definitions in Scala: `@definition` or `@type` around each, `@name` within.

(class_definition name: (_) @name) @type
(object_definition name: (_) @name) @type
(trait_definition name: (_) @name) @type
(enum_definition name: (_) @name) @type
(function_definition name: (_) @name) @definition
(function_declaration name: (_) @name) @definition
(type_definition name: (_) @name) @definition
(template_body (val_definition pattern: (identifier) @name) @definition)
