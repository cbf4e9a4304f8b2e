-- The options: their defaults, and a check that names what is wrong. It leaves acting on them to the readers of `now`.
local M = {}

M.defaults = {
  -- The server's command, or a function as `vim.lsp.start` takes it.
  cmd = { 'pennyworth' },
  -- Settings for the server, with the keys of its configuration file.
  settings = {},
  -- True, or a function of the root folder: only the embedded model answers, whatever the configuration says.
  restricted = false,
  -- Files and folders that mark the root of a workspace.
  root_markers = { '.pennyworth.toml', '.git', '.hg' },
  -- Which filetypes are served; '*' stands for all that are not named.
  filetypes = { ['*'] = true, gitrebase = false, help = false, log = false, man = false },
  -- Larger files are not served. The server's own limit is the same.
  max_bytes = 10 * 1024 * 1024,
  -- Whether suggestions come while typing; if false, only `trigger` asks.
  automatic = true,
  -- Milliseconds from a key to the request. The server waits by itself before it calls a model that costs time or money.
  debounce = 0,
  -- Whether suggestions are hidden while a completion menu is open.
  hide_with_menu = true,
  -- Insert-mode keys; false maps none.
  keymaps = {
    accept = '<Tab>',
    accept_word = '<C-Right>',
    accept_line = '<S-Tab>',
    next = '<M-]>',
    dismiss = '<C-]>',
    trigger = '<M-\\>',
  },
}

M.now = M.defaults

local types = { cmd = { 'table', 'function' }, restricted = { 'boolean', 'function' }, keymaps = { 'table', 'boolean' } }

local function check(options, known, where)
  for key, value in pairs(options) do
    local expected = known[key]
    if expected == nil then
      local names = vim.tbl_keys(known)
      table.sort(names)
      error(('pennyworth: no option `%s%s`; known: %s'):format(where, key, table.concat(names, ', ')), 0)
    end
    local allowed = where == '' and types[key] or { type(expected) }
    if where == 'keymaps.' then allowed = { 'string', 'boolean' } end
    if not vim.tbl_contains(allowed, type(value)) then
      local wanted = table.concat(allowed, ' or ')
      error(('pennyworth: option `%s%s` is a %s; wanted: %s'):format(where, key, type(value), wanted), 0)
    end
  end
end

--- Merges the user's options over the defaults; an error names the wrong option.
---@param options? table
function M.set(options)
  options = options or {}
  check(options, M.defaults, '')
  if type(options.keymaps) == 'table' then check(options.keymaps, M.defaults.keymaps, 'keymaps.') end
  local now = vim.tbl_deep_extend('force', vim.deepcopy(M.defaults), options)
  -- Lists replace the default; they are not merged by position.
  now.cmd = options.cmd or now.cmd
  now.root_markers = options.root_markers or now.root_markers
  if options.keymaps == false then now.keymaps = {} end
  if options.keymaps == true then now.keymaps = vim.deepcopy(M.defaults.keymaps) end
  M.now = now
end

--- Whether a filetype is served. A file without one may be anything, data too.
---@param filetype string
---@return boolean
function M.serves(filetype)
  local filetypes = M.now.filetypes
  local named = filetypes[filetype]
  if named == nil then named = filetypes['*'] end
  return filetype ~= '' and named == true
end

return M
