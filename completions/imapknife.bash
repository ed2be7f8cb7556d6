# bash completion for imapknife: source <(imapknife completion bash), in ~/.bashrc.
# The program reads the line itself and answers in the quoting that was begun;
# nothing that was typed is run or expanded here.
_imapknife() {
	local answer last
	COMPREPLY=()
	mapfile -t answer < <(command imapknife __complete bash "$COMP_LINE" "$COMP_POINT" "$COMP_WORDBREAKS" 2>/dev/null)
	[ "${#answer[@]}" -gt 0 ] || return 0
	last=$((${#answer[@]} - 1))
	case ${answer[last]} in
	:files) compopt -o default ;;
	:dirs) compopt -o dirnames ;;
	:nospace) compopt -o nospace ;;
	esac
	unset "answer[$last]"
	COMPREPLY=("${answer[@]}")
}
complete -F _imapknife imapknife
