using System.Text;

namespace OathServer.Tests.Tidy;

/// <summary>The texts in quotation marks of a source file: pieces added together are one, and <c>7</c> stands for what varies.</summary>
internal sealed class Literals
{
    private readonly string code;
    private readonly List<string> found = [];
    private int at;

    private Literals(string code) => this.code = code;

    public static IReadOnlyList<string> Of(string code)
    {
        var literals = new Literals(code);
        literals.Code(until: '\0');
        return literals.found;
    }

    /// <summary>Code as far as the end, or the brace that ends what varies in a text.</summary>
    private void Code(char until)
    {
        var depth = 0;
        while (at < code.Length && (code[at] != until || depth > 0))
        {
            depth += code[at] is '{' or '(' ? 1 : code[at] is '}' or ')' ? -1 : 0;
            if (Is("//"))
            {
                at = code.IndexOf('\n', at) is var end and >= 0 ? end : code.Length;
            }
            else if (code[at] == '\'')
            {
                at = code.IndexOf('\'', at + (code[at + 1] == '\\' ? 3 : 2)) + 1;
            }
            else if (Is("\"\"\""))
            {
                at = code.IndexOf("\"\"\"", at + 3, StringComparison.Ordinal) + 3;
            }
            else if (IsText)
            {
                var text = new StringBuilder();
                do
                {
                    Text(text);
                }
                while (IsGoingOn());
                found.Add(text.ToString().Trim());
            }
            else
            {
                at++;
            }
        }
    }

    private bool IsText => code[at] == '"' || Is("$\"") || Is("@\"");

    private void Text(StringBuilder text)
    {
        var (varies, verbatim) = (code[at] == '$', code[at] == '@');
        at += varies || verbatim ? 2 : 1;
        for (; code[at] != '"' || (verbatim && code[at + 1] == '"'); at++)
        {
            if (varies && code[at] == '{' && code[at + 1] != '{')
            {
                at++;
                Code(until: '}');
                text.Append('7');
            }
            else
            {
                at += (code[at] == '\\' && !verbatim) || Is("{{") || Is("\"\"") ? 1 : 0;
                text.Append(code[at]);
            }
        }

        at++;
    }

    /// <summary>Whether another text is added to the one just read; it stands there then.</summary>
    private bool IsGoingOn()
    {
        var before = at;
        Blanks();
        if (at < code.Length && code[at] == '+')
        {
            at++;
            Blanks();
            if (IsText && !Is("\"\"\""))
            {
                return true;
            }
        }

        at = before;
        return false;
    }

    private void Blanks()
    {
        while (at < code.Length && char.IsWhiteSpace(code[at]))
        {
            at++;
        }
    }

    private bool Is(string what) => string.CompareOrdinal(code, at, what, 0, what.Length) == 0;
}
