; The task at a place in Python, by the innermost node around it. `.inside`: only behind the node's own start.

(module) @top_level

; Statements
(assignment right: (_) @expression)
(augmented_assignment right: (_) @expression)
(named_expression value: (_) @expression)
(return_statement (_) @return)
(yield (_) @return)
(raise_statement (_) @expression)
(assert_statement (_) @condition)
(delete_statement (_) @expression)
(for_statement right: (_) @expression)
(for_in_clause right: (_) @expression)
(lambda body: (_) @expression)
(with_item value: (_) @expression)
(decorator (_) @expression)
(subscript subscript: (_) @expression)
(format_expression) @expression.inside
(interpolation expression: (_) @expression)
(default_parameter value: (_) @expression)
(typed_default_parameter value: (_) @expression)
(except_clause (_) @type)
(except_clause (block) @block)

; Conditions
(if_statement condition: (_) @condition)
(elif_clause condition: (_) @condition)
(while_statement condition: (_) @condition)
(conditional_expression (_) . (_) @condition)
(if_clause (_) @condition)
(match_statement subject: (_) @condition)
(case_clause guard: (if_clause (_) @condition))
(case_clause (case_pattern) @condition)

; Lists
(argument_list) @argument.inside
(keyword_argument value: (_) @argument)
(parameters) @parameter.inside
(lambda_parameters) @parameter
(list) @literal.inside
(tuple) @literal.inside
(set) @literal.inside
(dictionary) @literal.inside
(list_comprehension) @literal.inside
(dictionary_comprehension) @literal.inside
(set_comprehension) @literal.inside
(generator_expression) @argument.inside
(class_definition superclasses: (argument_list) @type.inside)

; Types
(type) @type
(typed_parameter type: (_) @type)
(type_parameter) @type.inside

; Imports, texts
(import_statement) @import.inside
(import_from_statement) @import.inside
(future_import_statement) @import.inside
(string) @string.inside
(interpolation) @expression.inside
(comment) @comment.inside
(module . (expression_statement . (string) @doc_comment.inside .))
(block . (expression_statement . (string) @doc_comment.inside .))

; Bodies
(block) @block
(function_definition body: (block) @function)
(class_definition body: (block) @type_body)
