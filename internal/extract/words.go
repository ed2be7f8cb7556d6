package extract

import "strings"

// The classes of words in the neighbourhood of a number.
const (
	_     class = iota
	named       // names a one-time code
	acts        // says what to do with a code that is named elsewhere: enter, use
	other       // names a number of another kind
	firm        // the same, where a word about codes stands before: ending in
	promo       // names a code of another kind, as postal or promo
	kinds       // the same, without a discount: booking
	unit        // stands behind a quantity
	joins       // stands between a noun and what it is about: de, di
	month       // or another word that a year stands behind
)

// codeWords are in the languages that mail comes in. A word about codes with
// endings of its own is listed in its forms, since its stem begins other words.
var codeWords = lazily(map[class]string{
	named: `code codes otp totp passcode passcodes pin pincode tan mtan token tokens jeton password passwords
kennwort passwort einmalkennwort einmalpasswort
codigo codigos clave contrasena senha codice codici parola passe kodi codi
wachtwoord kod kodu kodem kody kodunuz kodunuzu kodun kodunu kode kodes kodesi koden kodene koda kodo kodą kods kodas
haslo haslem heslo sifre sifreniz losenord adgangskode passord
koodi koodisi koodin koodia koodilla salasana salasanasi kodja kodot kodod kodjat jelszo jelszava
cod codul codului parolei kodini kodinn cód
код коду кода кодом кодът кодове пин пинкод пароль пароля паролем парола паролата лозинка
κωδικ* pin-κωδικ* קוד קודי סיסמה סיסמת סיסמא כוד رمز رمزك كود الكود رمزكم کد رمزعبور
कोड ओटीपी पिन पासवर्ड कूट কোড ওটিপি
=mã sandi msimbo კოდი կոդ
验证码 驗證碼 校验码 校驗碼 动态码 動態碼 动态密码 動態密碼 安全码 安全碼 验证代码 驗證代碼 确认码 確認碼 一次性密码 一次性密碼 密码 密碼 口令 登录码 登入碼 识别码 码 碼
認証コード 確認コード コード 認証番号 確認番号 暗証番号 パスワード ワンタイムパスワード パスコード セキュリティコード
인증번호 인증코드 인증 보안코드 확인코드 코드 비밀번호 일회용
รหัส รหัสผ่าน โอทีพี`,
	acts: `enter use type submit insert verification verify verif* authenticat* login log sign
eingeben geben verwenden nutzen bestatigung* saisissez saisir entrez tapez utilisez introduce introduzca introduzcas ingresa ingrese escribe escriba teclea marca usa utiliza
inserisci inserire digita scrivi usa digite escreva insira use voer gebruik uzyj wpisz podaj wprowadz zadejte pouzijte girin kullanin kullan introduceti folositi
ange anvand brug indtast bruk skriv kayta syota anna irja hasznalja введите используйте вход введіть використайте въведете използвайте
πληκτρολογηστε χρησιμοποιηστε εισαγετε הזן הזינו הקלד استخدم أدخل اكتب दर्ज masukkan ketik gunakan =nhập
输入 輸入 入力 입력 กรอก`,
	other: `order orders ordering invoice* receipt* ticket* phone phones telephone tel call fax hotline
mobile since room building build suite box iban account acct card cards port version device* member* membership request* customer* client* case
id ids ip transaction* policy serial amount amounts total sum price balance no nr num date year issue bug commit job user zip
parcel shipment contract subscriber passenger flight seat payment bill quote model registered registration company street st ste avenue ave
rechnung* bestell* auftrag* kunde* konto* sendung* telefon* gerat* mitglied* anfrage* vorgang* seit zimmer betrag* datum termin* vertrag* hotline beleg* rufnummer haus*
commande* facture* appareil* membre* demande* dossier* telephone montant* depuis numero adherent*
pedido* factura* dispositivo* socio* miembro* solicitud* cliente* telefono* importe* fecha dudas expediente* llama llame tarjeta
ordine ordini fattura* richiesta* importo* data pratica assistenza carta
fatura* nota membro* solicitacao* protocolo* telefone* valor cep cartao encomenda*
bestelling* bestelnummer* factuur* apparaat* lid lidnummer aanvraag* klant* telefoon* bedrag
zamowien* faktur* urzadzen* czlonk* klient* zgloszen* kwot* konta karty numer
objednav* zarizen* clen* pozadav* castk* cislo
siparis* cihaz* uye* talep* taleb* musteri* tutar* tarih* numarasi
comand* dispozitiv* membr* cerer* suma factur*
bestallning* enhet* medlem* arende* kund* belopp ordre* bestilling* enhed* sag sagsnummer sak saksnummer belob* kort
tilau* lasku* laite* laitt* jasen* pyynto* asiakas* puhelin* puh
rendeles* szamla* eszkoz* ugyfel* osszeg*
заказ* счет* счёт* устройств* участник* клиент* заявк* обращени* телефон* тел сумм* дата номер карт*
замовлен* рахун* пристр* клієнт* запит* поръчк* фактур* номера
παραγγελι* τιμολογι* συσκευ* μελου* αιτημα* πελατη* τηλ τηλεφων* ποσο* αριθμοσ
הזמנה חשבונית מכשיר לקוח טלפון בקשה סכום מספר حساب طلب طلبك طلبكم فاتورة جهاز عضو عضوية عميل هاتف مبلغ رقم
ऑर्डर आदेश चालान डिवाइस सदस्य ग्राहक फ़ोन फोन राशि अनुरोध संख्या नंबर
pesanan faktur perangkat anggota pelanggan telepon permintaan jumlah tanggal nomor hubungi
=đơn =đặt =hóa =thiết =khách =điện =số
订单 訂單 订单号 訂單編號 发票 發票 设备 設備 会员 會員 电话 電話 客户 客服 请求 工单 编号 編號 金额 金額 日期 单号
注文 注文番号 端末 請求 予約 日付 番号 お客様 合計
주문 주문번호 회원 회원번호 기기 전화 고객 요청 금액 날짜 번호
คำสั่งซื้อ ใบแจ้งหนี้ อุปกรณ์ สมาชิก ลูกค้า โทร คำขอ ยอด หมายเลข`,
	firm:  `ending ends endend endende endet terminant termine terminado terminada termina terminato terminata eindigend eindigt konczacy konczaca slutar slutter ende`,
	kinds: `destinatario intermediario relais magasin agence produit articulo producto tienda sucursal articolo prodotto negozio agenzia produto loja redemption redeem shipping shipment envio envios seguimiento colis livraison paquete paqueteria spedizione przesylk* paczk* zasilk* kargo lieferung* посылк* booking* reservation* reference ref tracking track invitation invite localizador reserva buchung* reservierung* reserveringsnummer`,
	promo: `promo promotion promotional discount* coupon* voucher* gift off sale postal post zip error errors exit status country area dialing
source dress bar barcode qr product swift sort bank tax referral currency vat
rabatt* gutschein* kupon* fehler* postleitzahl plz aktions* blz
postale promotionnel reduction remise parrainage erreur barre suivi
descuento* promocional barras oferta cupon
sconto fiscale avviamento ordine* desconto rastreio rastreamento barra
korting* kortingscode postcode rabat* rabatow* pocztow* rabattkod slev* psc sleva
indirim* posta hata postal promot* reducere
alennus* kuponk* postinumero kedvezmeny* iranyitoszam
промокод* почтов* скидк* ошибк* купон* промо знижк* отстъпк* εκπτω* ταχυδρομ* κουπον*
קופון הנחה מיקוד خصم بريدي कूपन छूट diskon pos =giảm =bưu
优惠码 優惠碼 折扣码 折扣碼 邮政编码 邮编 郵遞區號 错误代码 兑换码 兌換碼 二维码 号码 號碼 编码 編碼 条码 條碼 条形码 扫码 掃碼 数码 數碼 邀请码 邀請碼 推荐码 推薦碼 源码 原始碼 代码 代碼 序列码 商品コード バーコード クーポンコード クーポン 割引 郵便番号 エラーコード 할인 쿠폰 우편번호 오류
ส่วนลด รหัสส่วนลด รหัสไปรษณีย์ คูปอง`,
	unit: `second seconds sec secs minute minutes min mins hour hours hrs day days week weeks month months years people users points miles km kb mb gb
characters digits letters lines words items developers members users customers pieces blocks bytes files times percent visitors
eur euro euros usd gbp chf kr nok sek dkk zl pln kc czk lei ron ft huf rub руб tl try inr rs reais dollars
sekunden minuten stunden tage tagen wochen zeichen stellen punkte personen secondes heures jours caracteres segundos minutos horas dias puntos secondi minuti ore giorni
sekund sekundy godzin dni minut секунд минут часов дней saniye dakika saat gun sekunder minutter timer dage dager sekunnin minuutin tunnin
szamu numarali numaralı numeroinen
番 번 号 號 秒 秒钟 分钟 分 元 円 日元 年 月 小时 小時 時間 天 人 个 個 点 원 초 분간 시간 명 점`,
	joins: `de di du del da do d des la der dell din la`,
	month: `in im en since seit depuis until till by for founded copyright from of januar january february march april may june july august september
october november december jan feb mar apr jun jul aug sep sept oct nov dec`,
})

// endsIn are the ends of words that are made of two, as Bestätigungscode and
// Mitgliedsnummer.
var endsIn = [...]struct {
	end string
	is  class
}{
	{"code", named}, {"codes", named}, {"kod", named}, {"kode", named}, {"koden", named}, {"kodi", named}, {"koodi", named}, {"koodisi", named},
	{"koodin", named}, {"pin", named}, {"passwort", named}, {"kennwort", named}, {"wachtwoord", named}, {"kodja", named},
	{"nummer", other}, {"nummern", other}, {"nummeret", other}, {"numret", other}, {"numero", other}, {"szam", other}, {"number", other},
}

// noCode are words that end as one about codes does, and are about none.
var noCode = wordSet(`encode decode transcode unicode geocode barcode opcode bytecode episode pagecode qrcode postcode zipcode areacode sourcecode
promocode couponcode discountcode vouchercode spin hairpin underpin lynchpin`)

// programs are words behind "code" where it is what programs are made of.
var programs = wordSet(`review reviews reviewer reviewers freeze owner owners base change changes changed coverage style editor quality of`)

// things are words that say, right before "code", that it is the number of a
// thing.
var things = wordSet(`order orders ticket tickets customer client member membership invoice parcel flight contract subscriber case seat company
course class lesson training department dept branch shop store partner agent vendor supplier project task batch lot part item article colour color team`)

// links stand between the word about a code and the code.
var links = wordSet(`is are be ist lautet sind est es e ar er on to jest je este ειναι הוא היא هو هي है हैं adalah ialah la`)

// currencies may stand before an amount.
var currencies = wordSet("eur usd gbp chf rs inr nok sek dkk kr pln czk huf ron rub try zl")

// entering are words that name the code that follows at once.
var entering = wordSet("enter eingeben saisissez saisir entrez introduce introduzca ingresa ingrese inserisci inserire digite insira wpisz zadejte ange " +
	"escribe escriba teclea marca tapez tape digita scrivi escreva wprowadz podaj skriv tast syota yazin introduceti scrieti наберите укажите " +
	"הקלד הזן اكتب أدخل masukkan ketik indtast girin введите введіть въведете 输入 輸入")

// times stand before the time of a day.
var times = wordSet("at until till before by um bis vor kl hasta alle fino ate jusqu do tot tegen до ώρα")

// directions stand before the telephone number that a code was sent to.
var directions = wordSet("to an au al a na на til till naar nach ile at on")

func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

// classOf returns what a word with borders is about.
func classOf(word string) class {
	c := codeWords().of(word)
	if c != 0 && c != acts || len(word) > maxWord {
		return c
	}
	w := fold(word)
	for _, x := range endsIn {
		if len(w) > len(x.end)+2 && strings.HasSuffix(w, x.end) {
			switch {
			case noCode[w] && strings.HasSuffix(w, "code") && len(w) > 7:
				return promo
			case noCode[w]:
				return 0
			}
			return x.is
		}
	}
	return c
}
