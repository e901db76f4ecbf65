package catalog

import (
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/hub/sheet"
)

// The codes of problems that no single cell shows, beside those of sheet.
const (
	codeBadID      sheet.Code = "bad_id"
	codeNameless   sheet.Code = "nameless"
	codeDoubleKey  sheet.Code = "double_key"
	codeOwnSite    sheet.Code = "own_site"
	codeInItself   sheet.Code = "in_itself"
	codeNoPlace    sheet.Code = "unknown_place"
	codeNoGLN      sheet.Code = "not_a_gln"
	codeNoItem     sheet.Code = "unknown_item"
	codeNoSupplier sheet.Code = "unknown_supplier"
	codeNoLocation sheet.Code = "unknown_location"
	codeNoSite     sheet.Code = "unknown_site"
	codeTooEarly   sheet.Code = "too_early"
	codeTooLow     sheet.Code = "too_low"
)

// wordings say what is wrong and what to do, in the format of fmt; all four take the same arguments, by number.
var wordings = map[sheet.Code]struct{ says, hint sheet.Words }{
	codeBadID: {
		sheet.Words{EN: "has a space or one of / \\ # + ? % \" ' < >", ZH: "含有空格或 / \\ # + ? % \" ' < > 之一"},
		sheet.Words{EN: "write it without", ZH: "请去掉"},
	},
	codeNameless: {
		sheet.Words{EN: "is empty, and so is name_zh", ZH: "与中文名称都为空"},
		sheet.Words{EN: "give a name in one language", ZH: "请至少填写一种语言的名称"},
	},
	codeDoubleKey: {
		sheet.Words{EN: "same key as row %[1]d", ZH: "与第 %[1]d 行的键相同"},
		sheet.Words{EN: "delete one of them", ZH: "请删除其中一行"},
	},
	codeOwnSite: {
		sheet.Words{EN: "is not the site's own code", ZH: "不是该站点自己的编码"},
		sheet.Words{EN: "write %[1]s", ZH: "请写 %[1]s"},
	},
	codeInItself: {
		sheet.Words{EN: "is the location itself", ZH: "就是该库位自己"},
		sheet.Words{EN: "write the one that it stands in", ZH: "请写它所在的上级库位"},
	},
	codeNoPlace: {
		sheet.Words{EN: "is a location neither of the file nor of the catalogue", ZH: "文件和主数据中都没有这个库位"},
		sheet.Words{EN: "add its row", ZH: "请补上该库位的一行"},
	},
	codeNoGLN: {
		sheet.Words{EN: "is neither a GLN of 13 digits nor a URI", ZH: "既不是 13 位 GLN，也不是 URI"},
		sheet.Words{EN: "write it as 4006381000017, urn:epc:id:sgln:… or https://…", ZH: "请写成 4006381000017、urn:epc:id:sgln:… 或 https://…"},
	},
	codeNoItem: {
		sheet.Words{EN: "is no item of the catalogue", ZH: "主数据中没有这个物料"},
		sheet.Words{EN: "import it first", ZH: "请先导入"},
	},
	codeNoSupplier: {
		sheet.Words{EN: "is no supplier of the catalogue", ZH: "主数据中没有这个供应商"},
		sheet.Words{EN: "import it first", ZH: "请先导入"},
	},
	codeNoLocation: {
		sheet.Words{EN: "is no location of the catalogue", ZH: "主数据中没有这个库位"},
		sheet.Words{EN: "import it first", ZH: "请先导入"},
	},
	codeNoSite: {
		sheet.Words{EN: "is no site of the catalogue", ZH: "主数据中没有这个站点"},
		sheet.Words{EN: "import it first", ZH: "请先导入"},
	},
	codeTooEarly: {
		sheet.Words{EN: "is before the day on which it was made, %[1]s", ZH: "早于生产日期 %[1]s"},
		sheet.Words{EN: "correct one of the two", ZH: "请更正其中之一"},
	},
	codeTooLow: {
		sheet.Words{EN: "is less than min, %[1]d", ZH: "小于下限 %[1]d"},
		sheet.Words{EN: "correct one of the two", ZH: "请更正其中之一"},
	},
}

// problem puts words to what is wrong in a row.
func problem(row int, column, value string, code sheet.Code, args ...any) sheet.Problem {
	w := wordings[code]
	fill := func(format string) string {
		if !strings.Contains(format, "%[") {
			return format
		}
		return fmt.Sprintf(format, args...)
	}
	return sheet.Problem{
		Row: row, Column: column, Value: value, Code: code,
		Says: sheet.Words{EN: fill(w.says.EN), ZH: fill(w.says.ZH)}, Hint: sheet.Words{EN: fill(w.hint.EN), ZH: fill(w.hint.ZH)},
	}
}
