using OathServer.Import;

namespace OathServer.Pages;

/// <summary>Imports in the words of the desk.</summary>
internal static class ImportWords
{
    public static Phrase Of(UploadState state) => state switch
    {
        UploadState.Checking => new Phrase("being checked"),
        UploadState.Checked => new Phrase("checked, nothing changed yet"),
        UploadState.Refused => new Phrase("refused"),
        UploadState.Importing => new Phrase("being imported"),
        _ => new Phrase("imported"),
    };

    public static Phrase Of(ImportStage stage) => stage switch
    {
        ImportStage.Reading => new Phrase("Reading"),
        ImportStage.Comparing => new Phrase("Comparing with the store"),
        ImportStage.Sealing => new Phrase("Sealing"),
        _ => new Phrase("Writing"),
    };

    public static (Phrase Text, string Kind) Of(KeyOutcome outcome) => outcome switch
    {
        KeyOutcome.Imported => (new Phrase("new"), "good"),
        KeyOutcome.Unchanged => (new Phrase("unchanged"), ""),
        KeyOutcome.NotEnrolled => (new Phrase("not for this server"), "warn"),
        _ => (new Phrase("refused"), "bad"),
    };
}
