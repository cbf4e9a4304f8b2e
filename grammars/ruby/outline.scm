; Definitions in Ruby: `@definition` or `@type` around each, `@name` within.

(module name: (_) @name) @type
(class name: (_) @name) @type
(singleton_class value: (_) @name) @extension
(method name: (_) @name) @definition
(singleton_method name: (_) @name) @definition
(program (assignment left: (constant) @name) @definition)
(class (body_statement (assignment left: (constant) @name) @definition))
(module (body_statement (assignment left: (constant) @name) @definition))
