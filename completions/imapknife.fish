# fish completion for imapknife: imapknife completion fish | source, in
# ~/.config/fish/config.fish; or as ~/.config/fish/completions/imapknife.fish.
function __imapknife_complete
    set -l typed (commandline -opc)
    set -l answer (command imapknife __complete fish $typed[2..-1] (commandline -ct | string unescape) 2>/dev/null)
    or return
    switch $answer[-1]
        case :files :dirs
            __fish_complete_path (commandline -ct)
        case '*'
            test (count $answer) -gt 1; and printf '%s\n' $answer[1..-2]
    end
end
complete -c imapknife -f -a '(__imapknife_complete)'
