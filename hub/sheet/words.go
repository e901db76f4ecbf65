package sheet

// The codes of problems.
const (
	// The file as a whole.
	CodeNoHeader    Code = "no_header"
	CodeWrongFormat Code = "wrong_format"
	CodeTooLarge    Code = "too_large"
	CodeUnpacked    Code = "unpacks_too_large"
	CodeManyRows    Code = "too_many_rows"
	CodeManyColumns Code = "too_many_columns"
	CodeLongRow     Code = "row_too_long"
	CodeOpenQuote   Code = "quote_not_closed"
	CodeUnsafeZip   Code = "unsafe_zip"
	CodeDamaged     Code = "damaged"
	CodeDoctype     Code = "doctype"
	CodeNoSheet     Code = "no_sheet"
	CodeCharset     Code = "unknown_charset"
	CodeNoneKnown   Code = "no_known_column"
	CodeUnknown     Code = "unknown_column"
	CodeMissing     Code = "missing_column"
	CodeDouble      Code = "double_column"
	CodeHeadless    Code = "cell_without_header"
	CodeRagged      Code = "ragged_row"
	CodeQuote       Code = "stray_quote"
	CodeNotJSON     Code = "not_json"
	CodeNotObject   Code = "not_an_object"
	CodeDeep        Code = "too_deep"
	CodeNested      Code = "nested_value"
	CodeEmpty       Code = "empty"
	CodeLong        Code = "too_long"
	CodeEncoding    Code = "bad_encoding"
	CodeControl     Code = "control_character"
	CodeFormula     Code = "formula"
	CodeSheetError  Code = "spreadsheet_error"
	CodeDateCell    Code = "date_cell"
	CodeType        Code = "wrong_type"
	CodeNotWhole    Code = "not_a_whole_number"
	CodeNotNumber   Code = "not_a_number"
	CodeDecimals    Code = "too_many_decimals"
	CodeSeparator   Code = "number_separator"
	CodeShortened   Code = "shortened_number"
	CodeLostDigits  Code = "lost_digits"
	CodeRange       Code = "out_of_range"
	CodeNotBool     Code = "not_yes_or_no"
	CodeNotDate     Code = "not_a_date"
	CodeDayOrder    Code = "day_order"
	CodeSerial      Code = "date_as_number"
	CodeTimeOfDay   Code = "date_with_time"
	CodeNotTime     Code = "not_a_time"
	CodeNoZone      Code = "no_zone"
	CodeNotOneOf    Code = "not_one_of"
	CodeNotTag      Code = "not_a_tag"
	CodeNotGTIN     Code = "not_a_gtin"
	CodeLostZeros   Code = "lost_zeros"
	CodeCheckDigit  Code = "wrong_check_digit"
)

// wording is what a problem says, in the format of fmt; all four take the same arguments, by number.
type wording struct{ says, hint Words }

// resave is the way out where a workbook is none as spreadsheet programs write it.
var resave = Words{"open it in a spreadsheet program, save it as a new .xlsx and send that", "请用表格软件打开并另存为新的 .xlsx 后上传"}

var wordings = map[Code]wording{
	CodeNoHeader: {
		Words{"the file is empty", "文件是空的"},
		Words{"its first row must name the columns: %[1]s", "第一行须为列名：%[1]s"},
	},
	CodeWrongFormat: {
		Words{"the file is %[1]s", "文件是%[2]s"},
		Words{"save it as CSV, XLSX or NDJSON and send it again", "请另存为 CSV、XLSX 或 NDJSON 后重新上传"},
	},
	CodeTooLarge: {
		Words{"the file is longer than %[1]d bytes", "文件超过 %[1]d 字节"},
		Words{"split it into several files", "请拆成几个文件"},
	},
	CodeUnpacked: {
		Words{"%[1]s of the workbook unpacks to more than %[2]d bytes", "工作簿中的 %[1]s 解压后超过 %[2]d 字节"},
		Words{"split it, or delete other sheets and formats, or send it as CSV", "请拆分文件，或删除其他工作表和格式，或改用 CSV"},
	},
	CodeManyRows: {
		Words{"the file has more than %[1]d rows", "文件超过 %[1]d 行"},
		Words{"split it into several files", "请拆成几个文件"},
	},
	CodeManyColumns: {
		Words{"the row has more than %[1]d cells", "该行超过 %[1]d 个单元格"},
		Words{"delete what is to the right of the table", "请删除表格右侧的内容"},
	},
	CodeLongRow: {
		Words{"the row is longer than %[1]d bytes", "该行超过 %[1]d 字节"},
		Words{"see whether a quotation mark or a line's end is missing", "请检查是否缺少引号或换行"},
	},
	CodeOpenQuote: {
		Words{"a quotation mark opens here and never closes", "此处的引号没有结束"},
		Words{"close it, or write a quotation mark inside a text twice; what follows was not read", "请补上引号；文本中的引号须写两次。其后的内容未读取"},
	},
	CodeUnsafeZip: {
		Words{"the workbook holds %[1]s", "工作簿含有%[2]s"},
		resave,
	},
	CodeDamaged: {
		Words{"the workbook cannot be read at %[1]s (%[2]s)", "工作簿在 %[1]s 处无法读取（%[2]s）"},
		resave,
	},
	CodeDoctype: {
		Words{"%[1]s of the workbook declares a document type", "工作簿的 %[1]s 声明了文档类型（DOCTYPE）"},
		resave,
	},
	CodeNoSheet: {
		Words{"the workbook has no visible sheet %[1]q", "工作簿中没有可见的工作表 %[1]q"},
		Words{"it has: %[2]s", "现有：%[2]s"},
	},
	CodeCharset: {
		Words{"the character set %[1]q is not known", "不支持字符集 %[1]q"},
		Words{"save the file as UTF-8", "请把文件另存为 UTF-8"},
	},
	CodeNoneKnown: {
		Words{"the first row names no column of %[1]s", "第一行没有 %[1]s 的任何列名"},
		Words{"it must name the columns: %[2]s", "须为列名：%[2]s"},
	},
	CodeUnknown: {
		Words{"the column is not known", "没有这一列"},
		Words{"delete it or give it one of the names %[1]s", "请删除，或改为以下列名之一：%[1]s"},
	},
	CodeMissing: {
		Words{"the column is missing", "缺少这一列"},
		Words{"add it: each row needs a value there", "请添加：每行都须有值"},
	},
	CodeDouble: {
		Words{"the column is there twice", "该列重复"},
		Words{"keep one of them", "请只保留一个"},
	},
	CodeHeadless: {
		Words{"a cell stands under no head of a column", "单元格上方没有列名"},
		Words{"delete it, or name its column in the first row", "请删除，或在第一行写上列名"},
	},
	CodeRagged: {
		Words{"the row has %[1]d cells and the first row has %[2]d", "该行有 %[1]d 个单元格，而第一行有 %[2]d 个"},
		Words{
			"put texts that contain the separator %[3]s into quotation marks, and see whether one is missing",
			"含有分隔符 %[3]s 的文本须加引号；请检查是否缺少分隔符",
		},
	},
	CodeQuote: {
		Words{"a quotation mark stands in the middle of a cell", "单元格中间有引号"},
		Words{"put the cell into quotation marks and write those inside it twice", "请用引号括住单元格，其中的引号写两次"},
	},
	CodeNotJSON: {
		Words{"the line is not JSON", "该行不是 JSON"},
		Words{"write one object on each line, without commas between the lines", "每行写一个对象，行与行之间不加逗号"},
	},
	CodeNotObject: {
		Words{"the line is not an object", "该行不是对象"},
		Words{`write {"%[1]s": …} on one line`, `请在一行内写 {"%[1]s": …}`},
	},
	CodeDeep: {
		Words{"the line is nested deeper than %[1]d levels", "该行嵌套超过 %[1]d 层"},
		Words{"write each value flat", "请把值写成一层"},
	},
	CodeNested: {
		Words{"is an object or a list", "是对象或列表"},
		Words{"write one text, number, true, false or null", "请写一个文本、数字、true、false 或 null"},
	},
	CodeEmpty: {
		Words{"is empty", "为空"},
		Words{"each row needs a value here", "每行都须有值"},
	},
	CodeLong: {
		Words{"is longer than %[1]d %[2]s", "超过 %[1]d %[3]s"},
		Words{"shorten it", "请缩短"},
	},
	CodeEncoding: {
		Words{"has bytes that are no text in %[1]s", "含有不属于 %[1]s 的字节"},
		Words{"save the file as UTF-8", "请把文件另存为 UTF-8"},
	},
	CodeControl: {
		Words{"has the control character U+%04[1]X", "含有控制字符 U+%04[1]X"},
		Words{"delete it, e.g. by typing the cell anew", "请删除，例如重新输入该单元格"},
	},
	CodeFormula: {
		Words{"is a formula", "是公式"},
		Words{"copy the cells and paste them as values", "请复制单元格并“选择性粘贴”为数值"},
	},
	CodeSheetError: {
		Words{"is an error of the spreadsheet", "是表格的错误值"},
		Words{"correct the cell; a text that reads so needs an apostrophe in front", "请更正单元格；若确为文本，请在前面加撇号 '"},
	},
	CodeDateCell: {
		Words{"is a date of the spreadsheet, and no date belongs here", "被表格当作日期，而此处不应为日期"},
		Words{"format the column as text and type the cell anew", "请把该列设为“文本”格式后重新输入"},
	},
	CodeType: {
		Words{"is %[1]s", "是%[2]s"},
		Words{"write %[3]s", "请写%[4]s"},
	},
	CodeNotWhole: {
		Words{"is not a whole number", "不是整数"},
		Words{"write digits only, such as 12", "只写数字，例如 12"},
	},
	CodeNotNumber: {
		Words{"is not a number", "不是数字"},
		Words{"write it such as 12.50, without a unit or a currency sign", "请写成 12.50 的形式，不带单位和货币符号"},
	},
	CodeDecimals: {
		Words{"has more than %[1]d decimals", "小数超过 %[1]d 位"},
		Words{"round it to %[1]d", "请四舍五入到 %[1]d 位"},
	},
	CodeSeparator: {
		Words{"has a separator of thousands, or a comma for the point", "含有千位分隔符，或用逗号作小数点"},
		Words{"write 1234.5, not 1,234.5 or 1234,5", "请写 1234.5，不要写 1,234.5 或 1234,5"},
	},
	CodeShortened: {
		Words{"was shortened by a spreadsheet: its last digits are gone", "被表格软件缩写，末尾数字已丢失"},
		Words{
			"format the column as text, type the cell anew and save again; a text that reads so needs an apostrophe in front",
			"请把该列设为“文本”格式，重新输入该单元格后保存；若确为文本，请在前面加撇号 '",
		},
	},
	CodeLostDigits: {
		Words{"is a number of more than 15 digits, and spreadsheets keep 15", "是超过 15 位的数字，而表格软件只保留 15 位"},
		Words{"format the column as text and type the cell anew", "请把该列设为“文本”格式后重新输入"},
	},
	CodeRange: {
		Words{"is not from %[1]s to %[2]s", "不在 %[1]s 到 %[2]s 之间"},
		Words{"correct it", "请更正"},
	},
	CodeNotBool: {
		Words{"is neither yes nor no", "既不是“是”也不是“否”"},
		Words{"write true or false", "请写 true 或 false（是 或 否）"},
	},
	CodeNotDate: {
		Words{"is not a day", "不是日期"},
		Words{"write it as 2026-01-31", "请写成 2026-01-31"},
	},
	CodeDayOrder: {
		Words{"may be read with the day or the month first", "无法判断日与月的先后"},
		Words{"write it as 2026-01-31", "请写成 2026-01-31"},
	},
	CodeSerial: {
		Words{"is a day as a spreadsheet counts it", "是表格软件的日期序号"},
		Words{"format the column as a date; %[1]s was meant?", "请把该列设为日期格式；是否为 %[1]s？"},
	},
	CodeTimeOfDay: {
		Words{"has a time of day", "含有时刻"},
		Words{"write the day alone", "请只写日期"},
	},
	CodeNotTime: {
		Words{"is not a time", "不是时间"},
		Words{"write it as 2026-01-31T08:00:00+08:00, in a cell formatted as text", "请写成 2026-01-31T08:00:00+08:00，单元格设为“文本”格式"},
	},
	CodeNoZone: {
		Words{"does not say its time zone", "没有时区"},
		Words{"write it as 2026-01-31T08:00:00+08:00", "请写成 2026-01-31T08:00:00+08:00"},
	},
	CodeNotOneOf: {
		Words{"is not allowed here", "不是允许的值"},
		Words{"write one of %[1]s", "请写以下之一：%[1]s"},
	},
	CodeNotTag: {
		Words{"is not a tag", "不是标签"},
		Words{
			"write epc: or uid: and then its bytes in hexadecimal, such as epc:3034257bf7194e4000001a85",
			"请写 epc: 或 uid: 加十六进制字节，例如 epc:3034257bf7194e4000001a85",
		},
	},
	CodeNotGTIN: {
		Words{"is not a GTIN of 8, 12, 13 or 14 digits", "不是 8、12、13 或 14 位的 GTIN"},
		Words{"write the digits under the bar code", "请写条码下方的数字"},
	},
	CodeLostZeros: {
		Words{"has %[1]d digits: zeros in front seem lost", "只有 %[1]d 位，开头的 0 似已丢失"},
		Words{"format the column as text; %[2]s was meant?", "请把该列设为“文本”格式；是否为 %[2]s？"},
	},
	CodeCheckDigit: {
		Words{"has the check digit %[1]s, and it should be %[2]s", "校验位是 %[1]s，应为 %[2]s"},
		Words{"look for a mistyped digit", "请检查是否输错"},
	},
}
