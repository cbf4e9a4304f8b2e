-- A user's configuration, plus a record of how the server ended.
vim.lsp.config('pennyworth', {
  cmd = { 'sh', '-c', [["$SERVER"; echo $? > "$PLACE/exit"]] },
  filetypes = { 'python' },
  root_dir = vim.env.PLACE .. '/workspace',
})
vim.lsp.enable('pennyworth')
vim.lsp.inline_completion.enable()
vim.keymap.set('i', '<Tab>', function()
  if not vim.lsp.inline_completion.get() then return '<Tab>' end
end, { expr = true })
