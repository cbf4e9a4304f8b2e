; Captures that SCSS adds to those of CSS, which come first.

; Statements
(return_statement (_) @return)
(each_statement "in" (_) @expression)
(for_statement from: (_) @expression)
(for_statement through: (_) @expression)
(error_statement (_) @expression)
(warn_statement (_) @expression)
(debug_statement (_) @expression)
(interpolation) @expression.inside

; Conditions, lists
(if_statement condition: (_) @condition)
(else_if_clause condition: (_) @condition)
(while_statement (_) @condition)
(parameters) @parameter.inside
(parameter default: (_) @expression)
(list_value) @literal.inside

; Imports, texts
(use_statement) @import.inside
(forward_statement) @import.inside
(string_value) @string.inside
(import_statement (string_value) @import)
(use_statement (string_value) @import)
(forward_statement (string_value) @import)
(comment) @comment.inside
(js_comment) @comment.inside
((js_comment) @doc_comment.inside (#match? @doc_comment.inside "^///"))

; Bodies
(block) @block.inside
(mixin_statement (block) @function.inside)
(function_statement (block) @function.inside)
