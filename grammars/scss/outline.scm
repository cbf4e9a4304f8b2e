; What SCSS has besides the definitions of CSS, which come first.

(mixin_statement name: (_) @name) @definition
(function_statement name: (_) @name) @definition
(stylesheet (declaration (property_name) @name) @definition)
