-- Whether a completion menu is open: Neovim's own, nvim-cmp's or blink.cmp's. It leaves the consequences to `suggestion`.
local M = {}

--- Whether a menu is on the screen.
---@return boolean
function M.is_open()
  if vim.fn.pumvisible() == 1 then return true end
  -- Asks only plugins that are loaded already, and loads none.
  local cmp, blink = package.loaded['cmp'], package.loaded['blink.cmp']
  if type(cmp) == 'table' and cmp.visible and cmp.visible() then return true end
  if type(blink) ~= 'table' then return false end
  local is_visible = blink.is_menu_visible or blink.is_visible
  return is_visible ~= nil and is_visible() == true
end

--- Calls back when a menu of another plugin opens or closes. Neovim's own has events that `suggestion` follows.
---@param group integer
---@param callback fun()
function M.watch(group, callback)
  vim.api.nvim_create_autocmd('User', {
    group = group,
    pattern = { 'BlinkCmpMenuOpen', 'BlinkCmpMenuClose' },
    callback = function() callback() end,
  })
  -- nvim-cmp usually loads on the first InsertEnter, after us.
  local is_followed = false
  vim.api.nvim_create_autocmd('InsertEnter', {
    group = group,
    callback = function()
      local cmp = package.loaded['cmp']
      if is_followed or type(cmp) ~= 'table' or not cmp.event then return end
      is_followed = true
      cmp.event:on('menu_opened', callback)
      cmp.event:on('menu_closed', callback)
    end,
  })
end

return M
