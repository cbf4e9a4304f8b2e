; The task at a place in PHP, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level

; Statements
(assignment_expression right: (_) @expression)
(augmented_assignment_expression right: (_) @expression)
(reference_assignment_expression right: (_) @expression)
(return_statement (_) @return)
(yield_expression (_) @return)
(throw_expression (_) @expression)
(echo_statement (_) @expression)
(print_intrinsic (_) @expression)
(exit_statement (_) @expression)
(const_element (name) (_) @expression)
(property_element default_value: (_) @expression)
(static_variable_declaration value: (_) @expression)
(enum_case value: (_) @expression)
(arrow_function body: (_) @expression)
(subscript_expression (_) (_) @expression)
(case_statement value: (_) @expression)
(match_conditional_expression return_expression: (_) @expression)
(match_default_expression return_expression: (_) @expression)
(match_condition_list) @expression
(simple_parameter default_value: (_) @expression)
(property_promotion_parameter default_value: (_) @expression)

; Conditions and the heads of loops
(if_statement condition: (_) @condition.inside)
(else_if_clause condition: (_) @condition.inside)
(while_statement condition: (_) @condition.inside)
(do_statement condition: (_) @condition.inside)
(switch_statement condition: (_) @condition.inside)
(match_expression condition: (_) @condition.inside)
(for_statement) @condition.inside
(for_statement initialize: (assignment_expression right: (_) @expression))
(for_statement body: (_) @line)
(foreach_statement) @expression.inside
(foreach_statement body: (_) @line)

; Lists
(arguments) @argument.inside
(formal_parameters) @parameter.inside
(anonymous_function_use_clause) @argument.inside
(catch_clause type: (_) @type)
(array_creation_expression) @literal.inside
(list_literal) @line.inside

; Types
(simple_parameter type: (_) @parameter)
(property_promotion_parameter type: (_) @parameter)
(function_definition return_type: (_) @type)
(method_declaration return_type: (_) @type)
(anonymous_function return_type: (_) @type)
(arrow_function return_type: (_) @type)
(base_clause (_) @type)
(class_interface_clause (_) @type)
(binary_expression operator: "instanceof" right: (_) @type)

; Imports, texts
(namespace_definition name: (_) @line)
(namespace_use_declaration) @import.inside
(declaration_list (use_declaration) @import.inside)
(require_expression) @import.inside
(require_once_expression) @import.inside
(include_expression) @import.inside
(include_once_expression) @import.inside
(string) @string.inside
(encapsed_string) @string.inside
(heredoc) @string.inside
(nowdoc) @string.inside
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^/[*][*]"))

; Bodies
(compound_statement) @block.inside
(colon_block) @block.inside
(switch_block) @block.inside
(match_block) @block.inside
(function_definition body: (compound_statement) @function.inside)
(method_declaration body: (compound_statement) @function.inside)
(anonymous_function body: (compound_statement) @function.inside)
(namespace_definition body: (compound_statement) @top_level.inside)
(declaration_list) @type_body.inside
(enum_declaration_list) @type_body.inside
