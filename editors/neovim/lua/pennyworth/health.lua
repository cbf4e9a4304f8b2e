-- `:checkhealth pennyworth`: checks everything that the plugin needs, and says what to do if something is missing.
local client = require('pennyworth.client')
local config = require('pennyworth.config')
local health = vim.health
local M = {}

local function check_neovim()
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.10') == 1 then
    health.ok('Neovim ' .. version)
  else
    health.error('Neovim ' .. version .. ' is too old', 'Install 0.10 or newer.')
  end
end

--- Runs the server's program. Returns its output and whether it succeeded.
local function run(...)
  local done = vim.system(vim.list_extend(vim.deepcopy(config.now.cmd), { ... }), { text = true }):wait(10000)
  return vim.trim((done.stdout or '') .. (done.stderr or '')), done.code == 0
end

local function check_program()
  local cmd = config.now.cmd
  if type(cmd) == 'function' then return health.info('your own function starts the server') end
  if vim.fn.executable(cmd[1]) == 0 then
    return health.error(('`%s` was not found'):format(cmd[1]), {
      '`cargo install --locked --path server/lsp` in the repository puts it on your PATH.',
      "Or name it: `require('pennyworth').setup { cmd = { '/path/to/pennyworth' } }`.",
    })
  end
  local version, is_well = run('--version')
  health[is_well and 'ok' or 'error'](('%s: %s'):format(vim.fn.exepath(cmd[1]), version))
  local said, is_checked = run('check')
  for line in vim.gsplit(said, '\n', { plain = true, trimempty = true }) do health.info(line) end
  if is_checked then
    health.ok('`pennyworth check` finds nothing wrong')
  else
    health.warn('`pennyworth check` found problems', 'See the lines above; `:Pennyworth config` opens the configuration.')
  end
end

local function check_servers()
  local servers = client.all()
  if #servers == 0 then return health.info('no server runs; it starts with the first file that it serves') end
  for _, server in ipairs(servers) do
    local status = require('pennyworth.status').of(next(server.attached_buffers))
    health.ok(('a server runs for %s: %s, positions in %s'):format(
      server.config.root_dir or 'files without a workspace', status and status.state or 'no status yet', server.offset_encoding))
    for _, line in ipairs(status and require('pennyworth.status').wrong(status) or {}) do health.warn(line) end
  end
end

local function check_keys()
  for action, key in vim.spairs(config.now.keymaps) do
    if key then
      local mapped = vim.fn.maparg(key, 'i', false, true).desc or ''
      if vim.startswith(mapped, 'Pennyworth') then
        health.ok(('%s: %s'):format(action:gsub('_', ' '), key))
      else
        health.warn(('%s is mapped to something else, not to: %s'):format(key, action:gsub('_', ' ')),
          'See `:help pennyworth-mappings` for a mapping that does both.')
      end
    end
  end
end

function M.check()
  health.start('Pennyworth: program')
  check_neovim()
  check_program()
  health.start('Pennyworth: servers')
  check_servers()
  health.start('Pennyworth: keys')
  check_keys()
end

return M
