; Captures that C++ adds to those of C, which come first.

; Statements
(co_return_statement (expression) @return)
(co_yield_statement (expression) @return)
(throw_statement (expression) @expression)
(field_declaration default_value: (_) @expression)
(optional_parameter_declaration default_value: (_) @expression)
(lambda_capture_specifier) @argument.inside
(subscript_argument_list) @expression.inside
(for_range_loop) @condition.inside
(for_range_loop right: (_) @expression)
(for_range_loop body: (_) @line)
(for_range_loop body: (compound_statement) @block.inside)
(static_assert_declaration condition: (_) @condition)

; Lists
(template_parameter_list) @parameter.inside
; In a body, an apparent function declaration calls a constructor.
(compound_statement (declaration declarator: (function_declarator parameters: (parameter_list) @argument.inside)))
(compound_statement (declaration (function_declarator parameters: (parameter_list (parameter_declaration
  (abstract_function_declarator parameters: (parameter_list) @argument.inside))))))
; An apparent function without a type is a macro such as `TEST(A, B) {`, unless it is a constructor.
((function_definition !type declarator: (function_declarator declarator: (identifier) @_macro
  parameters: (parameter_list) @argument.inside)) (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(field_declaration_list (function_definition
  declarator: (function_declarator parameters: (parameter_list) @parameter.inside)))

; Types
(template_argument_list) @type.inside
(alias_declaration type: (_) @type)
(alias_declaration name: (_) @import)
(trailing_return_type (type_descriptor) @type)
(base_class_clause) @type.inside
(optional_type_parameter_declaration default_type: (_) @type)

; Imports
(using_declaration) @import.inside

; Some values above are also lists, texts or imports. As in C, these patterns come later, so they win.
(initializer_list) @literal.inside
[(string_literal) (char_literal) (raw_string_literal)] @string.inside
(preproc_include path: (_) @import)
; A method with an empty body parses as a member whose value is a list.
(field_declaration declarator: [(function_declarator) (_ (function_declarator))]
  default_value: (initializer_list) @function.inside)
