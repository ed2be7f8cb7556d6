#compdef imapknife
# zsh completion for imapknife: source <(imapknife completion zsh), in ~/.zshrc
# behind compinit; or as a file _imapknife in a directory of fpath.
_imapknife() {
	local -a answer typed values shown
	local line value help
	# PREFIX is the word up to the cursor, without a quote that is still open.
	typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
	answer=("${(@f)$(command imapknife __complete zsh "${typed[@]}" 2>/dev/null)}")
	case ${answer[-1]} in
	:files) _files; return ;;
	:dirs) _files -/; return ;;
	esac
	local -a space
	[[ ${answer[-1]} == :nospace ]] && space=(-S '')
	for line in "${(@)answer[1,-2]}"; do
		value=${line%%$'\t'*}
		help=${line#*$'\t'}
		values+=("$value")
		shown+=("$value${help:+  -- $help}")
	done
	(( ${#values} )) && compadd -l "${space[@]}" -d shown -- "${values[@]}"
}
if [ "${funcstack[1]}" = _imapknife ]; then
	_imapknife "$@"
else
	compdef _imapknife imapknife
fi
