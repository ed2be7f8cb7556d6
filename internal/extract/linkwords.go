package extract

// The classes of words in links and in front of them.
const (
	_      class = iota
	strong       // does what a mail is about: confirm, reset
	signs        // signs in
	opens        // opens something
	side         // leads elsewhere: help
	leaves       // leads out, or to what is never meant: unsubscribe, imprint
)

var linkWords = lazily(map[class]string{
	strong: `confirm* verif* activat* reset* magic accept* unlock* validat* authenticat* authoriz* authoris* approve* recover* invitation
bestatig* aktivier* zurucksetz* zurucks* annehm* freischalt* freigeb* verifizier*
confirmar confirma confirme confirmer confirmez activar activa active activer activez restablec* reinitialis* verificar verifica verifique verifiez verifier validez valider aceptar acepta
conferma* attiva attivare attivazione reimposta* reimpostare verificare accetta ripristina redefin* ativar ativa ative aceitar
bevestig* activeer* resetten herstel* accepteer potwierd* aktywuj* aktywacj* zresetuj* zweryfikuj* potvrd* overit overte aktivovat aktivujte obnovit
dogrula* onayla* etkinlestir* sifirla* confirmati activati resetati bekraft* aktivera* aterstall* verifiera* bekraeft* bekreft* nulstil* tilbakestill* aktiver*
vahvist* aktivoi* nollaa* palauta megerosit* aktival* visszaallit*
подтвер* активир* активац* сброс* восстанов* верифиц* підтверд* активув* активац* скину* потвърд* потвърж* активирай* нулир*
επιβεβαι* ενεργοποι* επαναφορ* אמת אימות אשר אישור הפעל הפעלה איפוס אפס تأكيد أكد تفعيل فعل تحقق إعادة सत्यापि* सत्यापन पुष्टि सक्रिय रीसेट
konfirmasi* verifikasi* aktifkan aktivasi setel xac =xác =kích
确认 確認 验证 驗證 激活 启用 啟用 開通 重置 重設 重设 認証 有効化 再設定 リセット 承認 인증 확인 활성화 재설정 ยืนยัน เปิดใช้งาน รีเซ็ต`,
	signs: `sign* signin login logon log token anmelden anmeldung einloggen connecter connexion iniciar inicia acceder accedi accesso entrar inloggen zaloguj* prihlas* giris
autentificare inloggning log-in kirjaudu* bejelentkez* войти войдите вход увійти влез συνδεση כניסה התחבר تسجيل الدخول लॉगिन masuk =đăng
登录 登入 登錄 ログイン サインイン 로그인 เข้าสู่ระบบ`,
	opens: `open* click* visit view start continue join* proceed complete finish get go begin here link use download
offnen klicken hier weiter ouvrir ouvrez cliquez ici abrir abre abra clic aqui apri clicca qui clique openen klik hier otworz kliknij tutaj otevrit kliknete tiklayin oppna klicka abn apne klikk
avaa klikkaa megnyit kattints открыть откройте перейти нажмите перейдіть отвори buka klik
打开 点击 點擊 開く クリック 열기 클릭 คลิก`,
	side: `cancel* wasn didn stornier* annuler cancelar annulla help support contact faq settings preferences abuse community blog jobs careers hiring powered about feedback
hilfe kontakt einstellungen aide assistance contactez parametres ayuda contacto ajustes aiuto assistenza impostazioni ajuda contato suporte configuracoes contatti hulp instellingen contacteer
pomoc ustawienia kontakty nastaveni yardim iletisim ayarlar ajutor setari hjalp installningar kundtjanst hjaelp indstillinger hjelp innstillinger ohje asetukset tuki yhteystiedot sugo segitseg beallitasok
помощь справка поддержка настройки допомога підтримка помощ настройки βοηθεια ρυθμισεισ עזרה תמיכה הגדרות مساعدة المساعدة إعدادات मदद सहायता bantuan pengaturan =trợ
帮助 幫助 客服 设置 設定 お問い合わせ ヘルプ 도움말 문의 고객센터 ช่วยเหลือ ติดต่อ`,
	leaves: `unsubscribe* unsub optout opt-out privacy terms imprint legal webversion browser tos
abmeld* abbestell* datenschutz* impressum agb nutzungsbedingungen desabonn* desinscri* confidentialite mentions baja privacidad terminos aviso disiscriv* cancellati privacidade descadastr* termos
afmeld* uitschrijv* voorwaarden wypisz* rezygn* prywatnosc* regulamin odhlas* odber soukrom* abonelik* gizlilik* dezabon* confidentialit* avregistrera avsluta avprenumerera integritet* villkor afmeld* avmeld* personvern privatliv* vilkar
peruuta tietosuoja* kayttoehdot leiratkoz* adatvedel*
отписа* отпиш* конфиденциальн* відпис* конфіденційн* отпиш* поверително* διαγραφ* απορρητ* הסר הסרה פרטיות إلغاء الخصوصية सदस्यता गोपनीयता berhenti privasi =hủy
退订 退訂 取消订阅 取消訂閱 隐私 隱私 配信停止 登録解除 プライバシー 利用規約 수신거부 개인정보 ยกเลิก ความเป็นส่วนตัว`,
})

// elsewhere are hosts of networks and shops that many mails link to. A host
// below one of them is one, too.
var elsewhere = wordSet(`facebook.com twitter.com x.com linkedin.com instagram.com youtube.com tiktok.com t.me pinterest.com
play.google.com apps.apple.com itunes.apple.com`)
