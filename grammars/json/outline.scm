; Definitions in JSON: `@definition` around each, `@name` within.

(document (object (pair key: (string) @name) @definition))
(document (object (pair value: (object (pair key: (string) @name) @definition))))
