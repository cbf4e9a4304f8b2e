;;; early-init.el --- What a test needs beside a user's own settings  -*- lexical-binding: t; -*-

;;; Commentary:
;; No automatic files, packages loaded as if they were installed, and every log written to a file at the end.  The settings under test are in
;; the page for users.

;;; Code:

;; The native compiler needs parts of the system that are not unpacked.
(setq native-comp-jit-compilation nil
      native-comp-enable-subr-trampolines nil
      package-enable-at-startup nil)

(setq inhibit-startup-screen t
      make-backup-files nil
      auto-save-default nil
      create-lockfiles nil
      python-indent-guess-indent-offset nil
      eglot-events-buffer-config '(:size 4000000 :format full)
      lsp-log-io t
      lsp-auto-guess-root t)

;; The typed text has its own indentation.
(electric-indent-mode -1)

;; A package manager loads these when a package is installed.
(dolist (folder load-path)
  (dolist (file (and (string-search "/elpa-src/" folder) (directory-files folder t "-autoloads\\.el\\'")))
    (load file nil t)))

(defun test-write-logs ()
  "Write every buffer of messages to a file below $HOME/logs."
  (let ((folder (expand-file-name "logs/" (getenv "HOME"))))
    (make-directory folder t)
    (dolist (buffer (buffer-list))
      (when (string-match-p "\\`\\*" (buffer-name buffer))
        (with-current-buffer buffer
          ;; Write the raw bytes, whatever they are.
          (let ((coding-system-for-write 'raw-text)
                (name (string-replace "/" "-" (string-trim (buffer-name) "\\*" "\\*"))))
            (write-region nil nil (expand-file-name name folder) nil 'quiet)))))))
(add-hook 'kill-emacs-hook #'test-write-logs -90)

;;; early-init.el ends here
