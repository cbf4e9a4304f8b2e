; Definitions in a makefile: `@definition` around each, `@name` within.

(rule (targets (word) @name)) @definition
(variable_assignment name: (word) @name) @definition
(define_directive name: (word) @name) @definition
