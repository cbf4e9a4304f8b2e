; The task at a place in R, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level

; Statements
(binary_operator operator: ["<-" "<<-" "=" ":="] rhs: (_) @expression)
(binary_operator lhs: (_) @expression operator: ["->" "->>"])
(call function: (identifier) @_return (#eq? @_return "return") arguments: (arguments (argument) @return))
(for_statement sequence: (_) @expression)
(parameter default: (_) @expression)
(subset arguments: (_) @expression.inside)
(subset2 arguments: (_) @expression.inside)

; Conditions
(if_statement condition: (_) @condition)
(while_statement condition: (_) @condition)

; Lists
(call arguments: (arguments) @argument.inside)
(parameters) @parameter.inside
(call function: (identifier) @_import (#any-of? @_import "library" "require" "requireNamespace") arguments: (arguments) @import.inside)

; Texts
(string) @string.inside
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^#'"))

; Bodies
(braced_expression) @block.inside
(function_definition body: (braced_expression) @function.inside)
