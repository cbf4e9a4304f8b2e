; The task at a place in a makefile, by the innermost node around it. `.inside`: only behind the node's own start.

(makefile) @top_level
(rule) @line.inside
(variable_assignment) @line.inside
(conditional) @line.inside

; Lists, values
(prerequisites) @argument
(variable_assignment value: (text) @expression)
(shell_assignment value: (shell_command) @expression)
(variable_reference) @line
(function_call) @line
(function_call (arguments) @argument)
(shell_function (shell_command) @argument)
(ifeq_directive) @condition
(ifneq_directive) @condition
(ifdef_directive) @condition
(ifndef_directive) @condition
(include_directive filenames: (list) @import)

; Texts
(comment) @comment.inside

; Bodies
(recipe) @block
(recipe_line) @line.inside
(define_directive value: (raw_text) @block)
