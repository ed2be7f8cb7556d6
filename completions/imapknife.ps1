# PowerShell completion for imapknife:
# imapknife completion powershell | Out-String | Invoke-Expression, in $PROFILE.
Register-ArgumentCompleter -Native -CommandName imapknife -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $typed = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
    if ($wordToComplete -eq '') { $typed += '' }
    $answer = @(& imapknife __complete powershell @typed 2>$null)
    if ($answer.Count -lt 2) { return }
    $answer[0..($answer.Count - 2)] | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        $text = $value
        if ($text -match '[\s''"$`;&|(){}<>@#,]') { $text = "'" + ($value -replace "'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}
