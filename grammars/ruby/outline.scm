; Definitions in Ruby: `@definition` around each, `@name` within.

(module name: (_) @name) @definition
(class name: (_) @name) @definition
(singleton_class value: (_) @name) @definition
(method name: (_) @name) @definition
(singleton_method name: (_) @name) @definition
(program (assignment left: (constant) @name) @definition)
(class (body_statement (assignment left: (constant) @name) @definition))
(module (body_statement (assignment left: (constant) @name) @definition))
