; What is missing at a place in C++, by the innermost node around it. `.inside`: behind the node's own start.

(translation_unit) @top_level

; Statements
(init_declarator value: (_) @expression)
(assignment_expression right: (_) @expression)
(return_statement (_) @return)
(enumerator value: (_) @expression)
(array_declarator size: (_) @expression)
(bitfield_clause (_) @expression)
(co_return_statement (_) @return)
(co_yield_statement (_) @return)
(throw_statement (_) @expression)
(field_declaration default_value: (_) @expression)
(optional_parameter_declaration default_value: (_) @expression)
(for_range_loop) @condition.inside
(for_range_loop right: (_) @expression)
(for_range_loop body: (_) @line)
(lambda_capture_specifier) @argument.inside
(subscript_argument_list) @expression.inside
(case_statement value: (_) @expression)
(preproc_def value: (_) @expression)
(preproc_function_def value: (_) @expression)

; Conditions and the heads of loops
(if_statement condition: (_) @condition.inside)
(while_statement condition: (_) @condition.inside)
(do_statement condition: (_) @condition.inside)
(switch_statement condition: (_) @condition.inside)
(for_statement) @condition.inside
(for_statement initializer: (declaration (init_declarator value: (_) @expression)))
(for_statement body: (_) @line)
(preproc_if condition: (_) @condition)
(preproc_elif condition: (_) @condition)
((preproc_call directive: (_) @_directive argument: (_) @condition) (#match? @_directive "if"))
(preproc_ifdef name: (_) @condition)

; Lists
(parameter_list) @parameter.inside
(argument_list) @argument.inside
; In a body, what might declare a function calls a constructor.
(compound_statement (declaration declarator: (function_declarator parameters: (parameter_list) @argument.inside)))
(compound_statement (declaration (function_declarator parameters: (parameter_list (parameter_declaration
  (abstract_function_declarator parameters: (parameter_list) @argument.inside))))))
; What looks like a function without a type is a macro such as `TEST(A, B) {`, but for constructors.
((function_definition !type declarator: (function_declarator declarator: (identifier) @_macro
  parameters: (parameter_list) @argument.inside)) (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(field_declaration_list (function_definition
  declarator: (function_declarator parameters: (parameter_list) @parameter.inside)))
(static_assert_declaration condition: (_) @condition)
(template_parameter_list) @parameter.inside
(preproc_params) @parameter.inside
(initializer_list) @literal.inside

; Types
(sizeof_expression (_) @type)
(alignof_expression type: (_) @type)
(offsetof_expression type: (_) @type)
(template_argument_list) @type.inside
(alias_declaration type: (_) @type)
(alias_declaration name: (_) @import)
(trailing_return_type (_) @type)
(base_class_clause) @type.inside
(optional_type_parameter_declaration default_type: (_) @type)
(type_definition type: (_) @type)

; Imports, texts
(preproc_include) @import.inside
(using_declaration) @import.inside
(string_literal) @string.inside
(char_literal) @string.inside
(raw_string_literal) @string.inside
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^(/[*][*!]|//[/!])"))
(preproc_include path: (_) @import)

; Bodies
(compound_statement) @block.inside
(function_definition body: (compound_statement) @function.inside)
(translation_unit (compound_statement) @function.inside)
(field_declaration_list) @type_body.inside
(enumerator_list) @type_body.inside
(declaration_list) @top_level.inside
; A method whose body is empty looks like a member with a list for its value.
(field_declaration declarator: [(function_declarator) (_ (function_declarator))]
  default_value: (initializer_list) @function.inside)
