; Definitions that SCSS adds to those of CSS, which come first.

(mixin_statement name: (_) @name) @definition
(function_statement name: (_) @name) @definition
(stylesheet (declaration (property_name) @name) @definition)
